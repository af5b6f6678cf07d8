/* The designer of plans: sends what is typed, and puts what is wrong at its field. Nothing is decided here; without
   this script every button sends the form, and the page comes back with the same. */

const KEPT = `plan:${location.pathname}`;
const keep = (value) => { try { value === null ? sessionStorage.removeItem(KEPT) : sessionStorage.setItem(KEPT, value); } catch { /* storage may be off */ } };
const kept = () => { try { return sessionStorage.getItem(KEPT); } catch { return null; } };
const form = () => document.getElementById("plan-form");

function written() {
  const values = new URLSearchParams(new FormData(form()));
  for (const name of ["csrfmiddlewaretoken", "act"]) values.delete(name);
  return values.toString();
}

/* What is wrong stands at its field, or at the part around it. */
function place() {
  const said = document.getElementById("plan-problems");
  if (!said || !form()) return;
  for (const field of form().querySelectorAll("[aria-invalid]")) { field.removeAttribute("aria-invalid"); field.classList.remove("is-invalid"); field.removeAttribute("aria-describedby"); }
  for (const box of form().querySelectorAll("[data-wrong-at]")) box.replaceChildren();
  for (const one of said.children) {
    const box = document.getElementById(`w-${one.dataset.at}`) || document.getElementById("w-at-plan");
    if (!box) continue;
    box.append(...[...one.childNodes].map((node) => node.cloneNode(true)));
    window.htmx?.process(box);
    const field = document.getElementById(one.dataset.at);
    if (field?.matches("input, select, textarea")) { field.classList.add("is-invalid"); field.setAttribute("aria-invalid", "true"); field.setAttribute("aria-describedby", box.id); }
    box.closest("details")?.setAttribute("open", "");
  }
}

let waiting = 0;
function look(delay) {
  clearTimeout(waiting);
  waiting = setTimeout(() => document.body.dispatchEvent(new CustomEvent("look")), delay);
}

document.addEventListener("input", (event) => { if (event.target.closest?.("#plan-form")) { keep(written()); look(450); } });
document.addEventListener("change", (event) => { if (event.target.closest?.("#plan-form") && event.target.matches("select")) { keep(written()); look(60); } });
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.name === "act") clearTimeout(waiting); });
document.addEventListener("htmx:afterRequest", (event) => {
  // What was sent and taken is kept by the portal; what was typed since is not yet.
  if (event.detail.successful && event.detail.elt.closest?.("#plan-form") && !document.querySelector("#plan-refusal [role=alert]")) keep(null);
});
document.addEventListener("htmx:oobAfterSwap", place);
document.addEventListener("htmx:afterSettle", place);
document.addEventListener("submit", (event) => { if (event.target.id === "plan-form") keep(null); });

/* A page that was lost while something had not been sent yet: it is sent now. */
const stored = kept();
if (stored && form() && stored !== written()) {
  const values = new URLSearchParams(stored);
  values.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
  values.set("ui-seen", form().elements["ui-seen"].value);
  values.set("act", "as-typed");
  fetch(location.href, { method: "POST", body: values, headers: { "HX-Request": "true" }, credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)))))
    .then((text) => {
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("plan-form");
      if (!fresh) return;
      form().replaceWith(fresh);
      window.htmx?.process(fresh);
      place();
      keep(null);
      document.dispatchEvent(new CustomEvent("toast", { detail: { text: "Brought back what you had typed.", icon: "undo", key: "draft" } }));
    })
    .catch(() => { /* it stays kept for the next time */ });
}
