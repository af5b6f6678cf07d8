/* A form of rows keeps what was typed through a reload or a lost session, rows that were added included.
   Everything else about such a form works without this. */

const NAME = `rows:${location.pathname}`, SENT = `${NAME}:sent`;
const keep = (name, value) => { try { value === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, value); } catch { /* storage may be off */ } };
const kept = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };
const form = () => document.querySelector("form[data-rows]");

function written() {
  const values = new URLSearchParams(new FormData(form()));
  for (const name of ["csrfmiddlewaretoken", "act"]) values.delete(name);
  return values.toString();
}

async function restore(stored) {
  const values = new URLSearchParams(stored);
  values.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
  values.set("act", "as-typed");
  const answer = await fetch(location.href, { method: "POST", body: values, headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form[data-rows]");
  if (!fresh) return;
  fresh.querySelector("[autofocus]")?.removeAttribute("autofocus");
  form().replaceWith(fresh);
  window.htmx?.process(fresh);
  document.dispatchEvent(new CustomEvent("toast", { detail: { text: "Brought back what you had typed.", icon: "undo", key: "draft" } }));
}

const stored = kept(NAME), sent = kept(SENT);
keep(SENT, null);
if (form()?.querySelector(".is-invalid, [aria-invalid=true], .invalid-feedback")) keep(NAME, written());
else if (sent && !document.referrer.includes("/sign-in/")) keep(NAME, null);
else if (stored && form() && stored !== written()) restore(stored).catch(() => { /* it stays kept for the next time */ });

const save = () => { if (form()) keep(NAME, written()); };
document.addEventListener("input", (event) => { if (event.target.closest?.("form[data-rows]")) save(); });
document.addEventListener("change", (event) => { if (event.target.closest?.("form[data-rows]")) save(); });
document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.requestConfig?.verb === "post") save(); });
document.addEventListener("submit", (event) => { if (event.target.matches("form[data-rows]")) keep(SENT, "1"); });
// Leaving on purpose gives it up.
document.addEventListener("click", (event) => { if (event.target.closest?.("form[data-rows] a.btn-ghost")) keep(NAME, null); });
