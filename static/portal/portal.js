/* What every page does by itself. No framework: markup says what it wants by data attributes, so a fragment
   that htmx brings works like the page that it came into. The attributes are listed at /styleguide/. */

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const keep = (store, name, value) => { try { value === null ? store.removeItem(name) : store.setItem(name, value); } catch { /* storage may be off */ } };
const kept = (store, name) => { try { return store.getItem(name); } catch { return null; } };
const shown = (element) => element.getClientRects().length > 0;
const make = (tag, properties = {}, ...children) => { const element = Object.assign(document.createElement(tag), properties); element.append(...children); return element; };
const iconOf = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "i"); svg.setAttribute("aria-hidden", "true"); use.setAttribute("href", `${document.body.dataset.icons}#${name}`); svg.append(use);
  return svg;
};

/* Theme */
function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.bsTheme = dark ? "light" : "dark";
  keep(localStorage, "portal-theme", root.dataset.bsTheme);
}

/* Toasts */
const TOAST_MS = 8000;
function arm(toast) {
  if (toast.dataset.armed || "stays" in toast.dataset) return;
  toast.dataset.armed = "1";
  let left = TOAST_MS, since = Date.now(), timer;
  const run = () => { since = Date.now(); timer = setTimeout(() => toast.remove(), left); };
  const hold = () => { clearTimeout(timer); left -= Date.now() - since; };
  toast.addEventListener("mouseenter", hold); toast.addEventListener("focusin", hold);
  toast.addEventListener("mouseleave", run); toast.addEventListener("focusout", run);
  run();
}
export function say(text, { bad = false, stays = false, icon = bad ? "stop" : "check", key = "" } = {}) {
  const box = $("#messages");
  if (!box || (key && $(`[data-toast-key="${key}"]`, box))) return;
  const close = make("button", { type: "button", className: "close" }, iconOf("x"));
  close.setAttribute("aria-label", "Close this message"); close.dataset.toastClose = "";
  const toast = make("div", { className: "toast" + (bad ? " toast-bad" : "") }, iconOf(icon), make("span", { textContent: text }), close);
  toast.dataset.toast = ""; if (key) toast.dataset.toastKey = key; if (stays) toast.dataset.stays = "";
  box.append(toast); arm(toast);
}
const unsay = (key) => $(`[data-toast-key="${key}"]`)?.remove();

/* Time */
// The server's clock leads: a laptop that is minutes off must not call a promise kept or broken.
const skew = (Date.parse(document.body.dataset.now) || Date.now()) - Date.now();
const HALF_DAY = 12 * 3600e3, MARKS = { left: "clock", risk: "alert", late: "stop" }, WORDS = { left: "left", risk: "at risk", late: "late" };
function span(ms) {
  const minutes = Math.ceil(Math.abs(ms) / 60e3), hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d`;
  return hours ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${minutes} min`;
}
function tick() {
  const now = Date.now() + skew;
  for (const cd of all(".cd[data-due]")) {
    const due = Date.parse(cd.dataset.due), warn = Date.parse(cd.dataset.warn);
    const state = now >= due ? "late" : now >= warn ? "risk" : "left";
    if (state === "left" && due - now > HALF_DAY) continue;
    const time = $(".t", cd), text = span(due - now);
    if (time.textContent !== text) time.textContent = text;
    if (!cd.classList.contains(`cd-${state}`)) {
      cd.classList.remove("cd-left", "cd-risk", "cd-late"); cd.classList.add(`cd-${state}`);
      $("use", cd)?.setAttribute("href", `${document.body.dataset.icons}#${MARKS[state]}`);
    }
    if (!cd.dataset.word) $(".w", cd).textContent = WORDS[state];
  }
  for (const clock of all("[data-clock]")) {
    try { clock.textContent = new Intl.DateTimeFormat("en-GB", { timeZone: clock.dataset.clock, hour: "2-digit", minute: "2-digit" }).format(now); } catch { /* unknown zone: the server's time stays */ }
  }
}

/* Polling */
// data-poll-url answers 204 (or 304) when nothing changed, 286 when it is the last word, else the new element.
const polls = new WeakMap();
function watch(root = document) { for (const element of all("[data-poll-url]", root.parentElement || root)) if (!polls.has(element)) schedule(element); }
function schedule(element, tag = "", misses = 0) {
  const seconds = Number(element.dataset.pollSeconds) || 30;
  // A fifth of jitter keeps a floor full of screens from asking in the same second.
  const wait = seconds * 1000 * (0.9 + Math.random() * 0.2) * Math.min(2 ** misses, 8);
  polls.set(element, setTimeout(() => poll(element, tag, misses), wait));
}
async function poll(element, tag, misses) {
  if (!element.isConnected) return;
  if (document.hidden) { document.addEventListener("visibilitychange", () => poll(element, tag, misses), { once: true }); return; }
  let answer;
  try { answer = await fetch(element.dataset.pollUrl, { headers: { "HX-Request": "true", ...(tag && { "If-None-Match": tag }) }, credentials: "same-origin" }); }
  catch { say("Connection lost. What you typed is kept here.", { icon: "ban", stays: true, key: "lost" }); return schedule(element, tag, misses + 1); }
  unsay("lost");
  if (answer.status === 204 || answer.status === 304) return schedule(element, tag);
  if (answer.status === 401) return;
  if (!answer.ok && answer.status !== 286) return schedule(element, tag, misses + 1);
  const html = (await answer.text()).trim(), fresh = answer.headers.get("ETag") || "";
  if (!element.isConnected) return;
  if (tag !== fresh || !tag || answer.status === 286) {
    const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
    const box = make("template"); box.innerHTML = html;
    const next = box.content.firstElementChild;
    if (!next) return schedule(element, tag);
    // What comes with it and says so takes the place of what has its id: one answer serves several corners.
    for (const other of all("[data-with-poll]", box.content)) {
      const there = document.getElementById(other.id), held = there && there === document.activeElement;
      there?.replaceWith(other); if (held) other.focus();
    }
    element.replaceWith(next); window.htmx?.process(next); settle(next);
    if (focused) document.getElementById(focused)?.focus();
    next.dispatchEvent(new CustomEvent("portal:polled", { bubbles: true }));
    clearTimeout(polls.get(next)); polls.delete(next);
    if (answer.status !== 286 && next.dataset.pollUrl) schedule(next, fresh);
    return;
  }
  schedule(element, fresh);
}

/* Nothing typed is lost */
const SECRET = /password|csrf|token/i;
const draftName = (form) => `draft:${location.pathname}:${form.dataset.draft || form.id || form.action}`;
function saveDraft(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || SECRET.test(field.name) || ["password", "file", "hidden", "submit", "button"].includes(field.type)) continue;
    if (field.type === "checkbox" || field.type === "radio") { if (field.checked) (values[field.name] ||= []).push(field.value); else values[field.name] ||= []; }
    else if (field.multiple && field.options) values[field.name] = [...field.selectedOptions].map((option) => option.value);
    else values[field.name] = field.value;
  }
  keep(sessionStorage, draftName(form), JSON.stringify(values));
}
function loadDraft(form) {
  if (form.dataset.draftLoaded) return;
  form.dataset.draftLoaded = "1";
  const stored = kept(sessionStorage, draftName(form));
  // A form that comes back with errors already holds what was typed, and holds it newer.
  if (!stored || $(".is-invalid, [aria-invalid=true]", form)) return;
  const values = JSON.parse(stored);
  let changed = false;
  for (const field of form.elements) {
    const value = values[field.name];
    if (value === undefined || field.type === "hidden") continue;
    if (field.type === "checkbox" || field.type === "radio") { const on = value.includes(field.value); changed ||= field.checked !== on; field.checked = on; }
    else if (field.multiple && field.options) for (const option of field.options) option.selected = value.includes(option.value);
    else if (field.type !== "file" && field.value !== value) { field.value = value; changed = true; }
  }
  if (changed) say("Brought back what you had typed.", { icon: "undo", key: "draft" });
}
const dropDraft = (form) => keep(sessionStorage, draftName(form), null);

/* Dialogs, menus, drawer */
function open(dialog) {
  if (!dialog || dialog.open) return;
  for (const menu of all("details.menu[open]")) menu.open = false;
  for (const other of all("dialog.palette[open], #more[open]")) other.close();
  if (dialog.id === "keys") listKeys();
  dialog.showModal();
  // Focus goes to what is filled in; never to a button, where Enter would act before the figures are read.
  if (!$("[autofocus]", dialog)) { dialog.tabIndex = -1; (all("input:not([type=hidden]), select, textarea", dialog).find((field) => shown(field) && !field.disabled && (field.type !== "radio" || field.checked || !$(`input[name="${CSS.escape(field.name)}"]:checked`, dialog))) || dialog).focus(); }
  if (dialog.id === "palette") { const input = $("#palette-q"); input.select(); find(input.value); }
}
async function explain(link) {
  const drawer = $("#drawer"), body = $("#drawer-body");
  $("#drawer-title").textContent = link.dataset.drawer || "Why?";
  body.replaceChildren(...[60, 84, 72, 40].map((width) => { const line = make("span", { className: "skeleton mt-3" }); line.style.width = `${width}%`; return line; }));
  open(drawer);
  try {
    const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    body.innerHTML = await answer.text(); window.htmx?.process(body); settle(body);
  } catch { body.replaceChildren(make("p", { textContent: "This could not be loaded. Close it and try again." })); }
}

/* Command palette */
let asked = 0, waiting;
function find(text) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const input = $("#palette-q"), turn = ++asked;
    try {
      const answer = await fetch(`${input.dataset.searchUrl}?q=${encodeURIComponent(text)}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (turn !== asked || !answer.ok) return;
      const results = $("#palette-results"); results.innerHTML = await answer.text();
      all("[role=option]", results).forEach((option, index) => { option.id = `palette-option-${index}`; option.tabIndex = -1; });
      choose(0);
    } catch { say("Connection lost. Search needs it.", { icon: "ban", key: "lost" }); }
  }, text ? 120 : 0);
}
function choose(index) {
  const options = all("#palette-results [role=option]");
  if (!options.length) { $("#palette-q").removeAttribute("aria-activedescendant"); return; }
  const at = (index + options.length) % options.length;
  options.forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
  options[at].scrollIntoView({ block: "nearest" });
  $("#palette-q").setAttribute("aria-activedescendant", options[at].id);
}
function paletteKey(event) {
  const options = all("#palette-results [role=option]"), at = options.findIndex((option) => option.ariaSelected === "true");
  if (event.key === "ArrowDown") choose(at + 1);
  else if (event.key === "ArrowUp") choose(at - 1);
  else if (event.key === "Enter") options[at]?.click();
  else return;
  event.preventDefault();
}

/* Keys */
let going = 0;
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
const rows = () => all("[data-row]").filter(shown);
function move(step) {
  const list = rows();
  if (!list.length) return;
  let at = list.findIndex((row) => row.classList.contains("cursor"));
  if (at < 0) at = list.findIndex((row) => row.classList.contains("active") || row.contains(document.activeElement)) ;
  const row = list[Math.min(Math.max(at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step, 0), list.length - 1)];
  list.forEach((other) => other.classList.toggle("cursor", other === row));
  const target = $("[data-open], a[href], button", row) || row;
  if (target === row) row.tabIndex = -1;
  target.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" });
}
function press(key, scope) {
  const label = (element) => element.dataset.key === key && !element.disabled && shown(element);
  const target = all("[data-key]", scope).find(label);
  if (!target) return false;
  if (typing(target)) target.focus(); else { if (target.matches("input")) target.focus(); target.click(); }
  return true;
}
function onKey(event) {
  const { key } = event;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "k") { event.preventDefault(); open($("#palette")); return; }
  if (event.target.id === "palette-q") { paletteKey(event); return; }
  if (key === "Escape") { const menu = $("details.menu[open]"); if (menu) { menu.open = false; $("summary", menu).focus(); } return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing || typing(event.target)) return;
  const dialog = all("dialog[open]").at(-1);
  if (dialog) { if (press(key, dialog)) event.preventDefault(); return; }
  if (Date.now() - going < 1500) { going = 0; const link = $(`[data-go="${CSS.escape(key)}"]`); if (link) { event.preventDefault(); link.click(); } return; }
  if (key === "g") { going = Date.now(); return; }
  if (key === "?") { event.preventDefault(); open($("#keys")); return; }
  const row = $("[data-row].cursor"), ofRow = row && all("[data-row-key]", row).find((one) => one.dataset.rowKey === key && shown(one));
  if (ofRow) { event.preventDefault(); ofRow.click(); return; }
  // A key of the page goes before the keys that every page has.
  if (press(key, document)) { event.preventDefault(); return; }
  if (key === "j" || key === "k") { event.preventDefault(); move(key === "j" ? 1 : -1); return; }
  if (key === "Enter" && event.target === document.body) { const row = $("[data-row].cursor"); ($("[data-open], a[href]", row || document.createElement("i")))?.click(); }
}
function listKeys() {
  const section = (title, entries) => {
    if (!entries.length) return "";
    const list = make("ul");
    for (const [words, ...keys] of entries) {
      const caps = make("span"); keys.forEach((cap) => caps.append(make("kbd", { textContent: cap })));
      list.append(make("li", {}, make("span", { textContent: words }), caps));
    }
    return make("section", {}, make("h3", { textContent: title }), list);
  };
  const label = (element) => element.dataset.keyLabel || element.getAttribute("aria-label") || [...element.cloneNode(true).childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ").replace(/\s+/g, " ").trim();
  const here = new Map(all("main [data-key], .actbar [data-key], #messages [data-key]").filter((element) => shown(element)).map((element) => [element.dataset.key, label(element)]));
  const list = $("#keys-list"); list.replaceChildren();
  list.append(
    section("On this page", [...here].map(([key, words]) => [words, key])),
    section("In lists", rows().length ? [["Down, up", "j", "k"], ["Open", "Enter"], ...new Map(all("[data-row-key]").filter((one) => shown(one)).map((one) => [one.dataset.rowKey, one.dataset.keyLabel])).entries()].map(([first, ...rest]) => (first.length === 1 ? [rest[0], first] : [first, ...rest])) : []),
    section("Go to", all(".rail [data-go], .topbar [data-go]").map((link) => [link.dataset.goLabel || link.firstElementChild?.nextSibling?.textContent.trim() || link.textContent.trim(), "g", link.dataset.go])),
    section("Everywhere", [["Search or jump to", "/"], ["The same, also while typing", "Ctrl K"], ["Close what is open", "Esc"], ["These keys", "?"]]),
  );
}

/* Columns that can be hidden */
const sheet = "adoptedStyleSheets" in document ? new CSSStyleSheet() : null;
if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
const hiddenColumns = (id) => new Set(JSON.parse(kept(localStorage, `columns:${id}`) || "[]"));
function columns(root = document) {
  for (const box of all("[data-columns-for]", root)) {
    const table = document.getElementById(box.dataset.columnsFor);
    if (!table || box.childElementCount) continue;
    const hidden = hiddenColumns(table.id);
    for (const head of all("th[data-col]", table)) {
      const input = make("input", { type: "checkbox", checked: !hidden.has(head.dataset.col) });
      input.addEventListener("change", () => {
        const now = hiddenColumns(table.id); input.checked ? now.delete(head.dataset.col) : now.add(head.dataset.col);
        keep(localStorage, `columns:${table.id}`, JSON.stringify([...now])); hideColumns();
      });
      box.append(make("label", { className: "menu-item" }, input, head.dataset.colLabel || head.textContent.trim()));
    }
  }
  hideColumns();
}
function hideColumns() {
  if (!sheet) return;
  const rules = all("table[id]").flatMap((table) => [...hiddenColumns(table.id)].map((name) => `#${CSS.escape(table.id)} [data-col="${CSS.escape(name)}"]`));
  sheet.replaceSync(rules.length ? `${rules.join(",")}{display:none!important}` : "");
}

/* Marking rows, for acts on many */
function bulk(form) {
  const boxes = all("input[data-bulk]", form), on = boxes.filter((box) => box.checked).length, bar = $(".bulkbar", form), head = $("input[data-bulk-all]", form);
  if (bar) { bar.hidden = !on; const count = $("[data-bulk-count]", bar); if (count) count.textContent = on; }
  if (head) { head.checked = on > 0 && on === boxes.length; head.indeterminate = on > 0 && on < boxes.length; }
}

// What is scrolled sideways can be reached by key; turning a phone may make it so.
function reachable(root = document) { for (const box of all(".scroll, .blocks, .cadence", root)) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; }

/* What comes into a page is made ready */
function settle(root = document) {
  all("[data-toast]").forEach(arm); columns(root); watch(root); tick();
  for (const form of all("form[data-draft]", root)) loadDraft(form);
  reachable(root);
  for (const dialog of all("dialog[data-open-now]", root)) { delete dialog.dataset.openNow; open(dialog); }
  const wrong = $("form .is-invalid, form [aria-invalid=true]", root === document ? document : root); if (wrong && root === document) wrong.focus();
}

document.addEventListener("click", (event) => {
  const from = (selector) => event.target.closest?.(selector);
  const menu = from("details.menu");
  for (const other of all("details.menu[open]")) if (other !== menu) other.open = false;
  let found;
  if ((found = from("[data-dialog]"))) { event.preventDefault(); open($(found.dataset.dialog)); if (found.dataset.fillForm) fill(found); }
  else if ((found = from("[data-close]"))) { event.preventDefault(); found.closest("dialog")?.close(); }
  else if ((found = from("a[data-drawer]")) && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) { event.preventDefault(); explain(found); }
  else if ((found = from("[data-toast-close]"))) found.closest("[data-toast]").remove();
  else if (from("[data-theme-switch]")) switchTheme();
  else if (from("[data-print]")) window.print();
  else if ((found = from("[data-fill-form]"))) fill(found);
  else if ((found = from("tr[data-href], li[data-href]")) && !from("a, button, input, label, summary, select, textarea") && !getSelection().toString()) { const opener = $("[data-open]", found); opener ? opener.click() : (location.href = found.dataset.href); }
  // A click on the veil, outside of the dialog's own box, closes it.
  if (event.target.matches?.("dialog[open]")) { const box = event.target.getBoundingClientRect(); if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) event.target.close(); }
});

function fill(button) {
  const form = $(button.dataset.fillForm);
  for (const [name, value] of Object.entries(JSON.parse(button.dataset.fillValues || "{}"))) { const field = form?.elements.namedItem(name); if (field) field.value = value; }
  form && $("[type=submit], button:not([type])", form)?.focus();
}

document.addEventListener("keydown", onKey);
window.addEventListener("resize", () => reachable());
document.addEventListener("input", (event) => {
  if (event.target.id === "palette-q") find(event.target.value);
  const form = event.target.closest?.("form[data-draft]"); if (form) saveDraft(form);
});
document.addEventListener("change", (event) => {
  const { target } = event, form = target.closest?.("form");
  if (form?.matches("[data-draft]")) saveDraft(form);
  if (target.matches("[data-submit-on-change]")) form.requestSubmit();
  if (target.matches("[data-bulk-all]")) { all("input[data-bulk]", form).forEach((box) => { box.checked = target.checked; }); bulk(form); }
  else if (target.matches("[data-bulk]")) bulk(form);
  if (target.type === "file") {
    const box = target.closest("[data-upload]"), file = target.files[0];
    if (box) { box.classList.toggle("has-file", !!file); const name = $("[data-upload-name]", box); if (target.files.length > 1) name.replaceChildren(make("b", { textContent: `${target.files.length} files` }), ` ${[...target.files].map((one) => one.name).join(", ")}`); else if (file) name.replaceChildren(make("b", { textContent: file.name }), ` ${(file.size / 1024).toLocaleString("en-GB", { maximumFractionDigits: 0 })} KB`); }
  }
});
for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, (event) => event.target.closest?.("[data-upload]")?.classList.toggle("over", kind === "dragover"));

// One act, one request: a second click while the first is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-draft]") && !form.matches("[hx-post], [data-hx-post]")) keep(sessionStorage, "draft:sent", draftName(form));
  if (!form.matches("[data-submit-once]") || form.matches("[hx-post], [hx-get]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1"; event.submitter?.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", (event) => { if (event.persisted) for (const form of all("form[data-sent]")) { delete form.dataset.sent; all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy")); } });

/* htmx */
const REFUSED = { 403: "You may not do this. If your session has changed, reload the page; what you typed is kept.", 404: "This is no longer here. Reload the page to see how things stand.", 413: "That is too large to send.", 429: "Too many tries. Wait a minute." };
document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (element.matches("[data-submit-once]")) { if (element.dataset.sent) { event.preventDefault(); return; } element.dataset.sent = "1"; }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful, xhr } = event.detail;
  delete elt.dataset?.sent;
  if (xhr?.status) unsay("lost");
  if (successful && elt.matches?.("form[data-draft]")) dropDraft(elt);
  if (successful && elt.matches?.("[data-undo]")) elt.closest("[data-toast]")?.remove();
});
// A refusal with a sentence is shown where the server says; a form with errors (422) takes its own place.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  // Before the swap: the form that was sent may be gone after it, and the new one must not bring its draft back.
  if (xhr.status < 300 && requestConfig?.elt?.matches?.("form[data-draft]")) dropDraft(requestConfig.elt);
  if (xhr.status === 422 || (xhr.status >= 400 && xhr.getResponseHeader("HX-Retarget"))) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (xhr.status !== 401) say(REFUSED[xhr.status] || "That did not work on our side. Nothing was changed; try again.", { bad: true, stays: true, key: `status-${xhr.status}` });
});
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => say("Connection lost. What you typed is kept here; try again.", { icon: "ban", stays: true, key: "lost" }));
document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target || event.target;
  settle(target.isConnected ? target : document);
  const wrong = $(".is-invalid, [aria-invalid=true]", target); if (wrong) wrong.focus();
  if (target.id === "modal-body") open($("#modal"));
  if (target.id === "drawer-body") open($("#drawer"));
  if (target.id === "panel") target.closest(".with-panel")?.classList.add("panel-open");
  if (target.matches(".inbox-detail")) target.parentElement.classList.add("open");
});
document.addEventListener("htmx:oobAfterSwap", () => all("[data-toast]").forEach(arm));
// Response headers: HX-Trigger: {"toast": {"text": "…", "bad": false}} and {"closeDialog": true}.
document.addEventListener("toast", ({ detail }) => say(detail.text || detail.value, detail));
document.addEventListener("closeDialog", () => all("dialog[open]").forEach((dialog) => dialog.close()));
window.addEventListener("offline", () => say("Connection lost. What you typed is kept here.", { icon: "ban", stays: true, key: "lost" }));
window.addEventListener("online", () => unsay("lost"));

// A draft whose form was sent as a page is done with, unless errors, a refusal or the sign-in page came back.
const sent = kept(sessionStorage, "draft:sent");
if (sent) { keep(sessionStorage, "draft:sent", null); if ($(".frame") && !$(".is-invalid, [aria-invalid=true], .alert-bad[role=alert], [data-refusal]")) keep(sessionStorage, sent, null); }

// What can be done for some seconds only counts them down, and goes when they are over.
setInterval(() => {
  for (const box of all("[data-gone-at]")) {
    const left = Math.ceil((Date.parse(box.dataset.goneAt) - Date.now() - skew) / 1000), count = $("[data-left]", box);
    if (left <= 0) box.remove(); else if (count) count.textContent = left;
  }
}, 500);

settle();
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
setInterval(() => { if (!document.hidden) tick(); }, 5000);
