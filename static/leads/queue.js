/* The queue's own behaviour: which row is open, letting go of a held lead when one leaves, keeping it while one works,
   and a refresh that touches only the rows that changed. */

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const open = () => $("#panel [data-lead]");

function mark() {
  const pk = open()?.dataset.lead || "";
  for (const row of all("[data-lead-row]")) {
    const active = row.dataset.leadRow === pk;
    row.classList.toggle("active", active);
    active ? row.setAttribute("aria-selected", "true") : row.removeAttribute("aria-selected");
  }
  const after = $("#queue input[name=after]");
  if (after) after.value = pk;
}

/* A held lead */
const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
let held = "";
const hold = () => { held = open()?.dataset.held || ""; };

function letGo() {
  if (!held) return;
  const body = new FormData();
  body.append("csrfmiddlewaretoken", token());
  navigator.sendBeacon(held, body);
  held = "";
}

// While the lead is open and somebody is at it, a sign of life keeps it; the server says how long at most.
const SIGN_OF_LIFE = 4 * 60e3;
let moved = Date.now(), told = Date.now();
for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) document.addEventListener(kind, () => { moved = Date.now(); }, { passive: true, capture: true });
async function stayAlive() {
  if (!held || document.hidden || Date.now() - told < SIGN_OF_LIFE || moved < told) return;
  told = Date.now();
  try {
    const answer = await fetch(held.replace(/release\/$/, "hold/"), { method: "POST", headers: { "X-CSRFToken": token() }, credentials: "same-origin", keepalive: true });
    if (answer.status === 409) held = "";
  } catch { /* offline: the next sign tells */ }
}
setInterval(stayAlive, 15e3);

// Opening another lead lets go of the one that was open; so does leaving the page, except for "next",
// which lets go by itself and must not be overtaken.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "panel") { mark(); return; }
  const now = open()?.dataset.held || "";
  if (held && held !== now) letGo();
  hold(); mark(); told = Date.now();
});
document.addEventListener("submit", (event) => { if (event.target.closest("#queue")) held = ""; });
window.addEventListener("pagehide", letGo);
hold(); mark();

/* Refresh */
// The page tells what it shows, line by line; the server answers 204, or what changed as out-of-band swaps. Rows that
// stay are not touched, so the cursor, what is chosen, the focus and the scroll position stay as well.
let tag = "", misses = 0;
function shown() {
  const top = $("#queue-top")?.dataset.print;
  const lines = all("#queue-body > tr[data-print]").map((row) => `${row.id.slice(2)}:${row.dataset.print}`);
  return [...(top ? [`top:${top}`] : []), ...lines].join(",");
}
function schedule() {
  const seconds = Number($("#queue")?.dataset.refreshSeconds);
  // A fifth of jitter keeps a floor full of screens from asking in the same second.
  if (seconds) setTimeout(refresh, seconds * 1000 * (0.9 + Math.random() * 0.2) * Math.min(2 ** misses, 8));
}
async function refresh() {
  if (document.hidden) { document.addEventListener("visibilitychange", refresh, { once: true }); return; }
  const list = $("#queue");
  if (!list?.dataset.refresh) return;
  const said = shown();
  try {
    const answer = await fetch(list.dataset.refresh, { headers: { "HX-Request": "true", "Queue-Shown": said, ...(tag && { "If-None-Match": tag }) }, credentials: "same-origin" });
    misses = answer.ok ? 0 : misses + 1;
    if (answer.status === 401 || answer.redirected) return;
    // What was done meanwhile is newer than this answer.
    if (answer.status === 200 && said === shown()) { show(await answer.text(), said); }
    tag = answer.ok && (answer.status === 204 || said !== shown()) ? answer.headers.get("ETag") || "" : "";
  } catch { misses += 1; }
  schedule();
}
function show(html, said) {
  if (said !== shown()) return;
  const chosen = new Set(all("#queue-body input[data-pick]:checked").map((box) => box.value));
  const cursor = $("#queue-body tr.cursor")?.id;
  window.htmx.swap("#queue", html, { swapStyle: "none" });
  for (const box of all("#queue-body input[data-pick]")) if (chosen.has(box.value)) box.checked = true;
  $("#queue-body input[data-pick]")?.dispatchEvent(new Event("change", { bubbles: true }));
  if (cursor && !$("#queue-body tr.cursor")) document.getElementById(cursor)?.classList.add("cursor");
  mark();
  document.dispatchEvent(new CustomEvent("queue:refreshed"));
}
// Another script, or a test, may ask for it now.
document.addEventListener("queue:refresh", refresh);
schedule();
