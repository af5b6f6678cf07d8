/* A card of the board goes to another column: dragged by mouse, held and dragged by finger, by its menu, or by key
   (Shift and the right arrow: to the next stage; m: its menu). What happens then is the server's to say. */

const HOLD_MS = 320, SLACK = 7;
const board = () => document.getElementById("board");
let start = null, held = 0, moving = null;

function send(card, stage) {
  const root = board();
  const sent = window.htmx.ajax("POST", card.dataset.moveUrl, { target: "#board", swap: "outerHTML", values: { stage, query: root.dataset.query, back: root.dataset.here } });
  // Whoever moved it by key goes on from where it stands now, unless a form was opened.
  sent?.then(() => { if (!document.querySelector("dialog[open]")) document.querySelector(`[data-deal="${card.dataset.deal}"] .deal-link`)?.focus(); }).catch(() => { /* said by a toast */ });
}
const moves = (card) => (card.dataset.moves || "").trim().split(/\s+/).filter(Boolean);
const columns = () => [...board().querySelectorAll("[data-column]")];

function lift(card, x, y) {
  const ghost = card.cloneNode(true);
  ghost.classList.add("deal-ghost"); ghost.setAttribute("aria-hidden", "true"); ghost.removeAttribute("data-row");
  document.body.append(ghost); document.documentElement.classList.add("dragging");
  card.classList.add("is-moving");
  for (const column of columns()) column.classList.toggle("is-target", moves(card).includes(column.dataset.column));
  moving = { card, ghost, over: null };
  carry(x, y);
}
function carry(x, y) {
  moving.ghost.style.left = `${x - 30}px`; moving.ghost.style.top = `${y - 20}px`;
  const column = document.elementFromPoint(x, y)?.closest?.("[data-column].is-target") || null;
  if (column !== moving.over) { moving.over?.classList.remove("is-over"); column?.classList.add("is-over"); moving.over = column; }
  const box = board().getBoundingClientRect();
  if (x > box.right - 40) board().scrollLeft += 12; else if (x < box.left + 40) board().scrollLeft -= 12;
}
function drop(sends) {
  clearTimeout(held); start = null;
  if (!moving) return;
  const { card, ghost, over } = moving;
  moving = null; ghost.remove(); card.classList.remove("is-moving"); document.documentElement.classList.remove("dragging");
  for (const column of columns()) column.classList.remove("is-target", "is-over");
  // The click that ends a drag opens nothing.
  const stop = (event) => { event.preventDefault(); event.stopPropagation(); };
  document.addEventListener("click", stop, { capture: true, once: true }); setTimeout(() => document.removeEventListener("click", stop, { capture: true }), 0);
  if (sends && over) send(card, over.dataset.column);
}

document.addEventListener("pointerdown", (event) => {
  const card = event.target.closest?.("[data-deal][data-move-url]");
  if (!card || event.button !== 0 || event.target.closest("summary, .menu-list")) return;
  start = { card, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
  if (start.touch) held = setTimeout(() => { if (start) { lift(card, start.x, start.y); navigator.vibrate?.(15); } }, HOLD_MS);
});
document.addEventListener("pointermove", (event) => {
  if (moving) { carry(event.clientX, event.clientY); return; }
  if (!start) return;
  const far = Math.hypot(event.clientX - start.x, event.clientY - start.y) > SLACK;
  if (far && start.touch) { clearTimeout(held); start = null; } else if (far) lift(start.card, event.clientX, event.clientY);
});
document.addEventListener("pointerup", () => drop(true));
document.addEventListener("pointercancel", () => drop(false));
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("[data-deal]")) event.preventDefault(); });
document.addEventListener("contextmenu", (event) => { if (moving) event.preventDefault(); });
// While a finger carries a card the page must not scroll away under it.
document.addEventListener("touchmove", (event) => { if (moving) event.preventDefault(); }, { passive: false });

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-move-to]");
  if (button) { button.closest("details").open = false; send(button.closest("[data-deal]"), button.dataset.moveTo); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && moving) { drop(false); return; }
  const card = event.target.closest?.("[data-deal][data-move-url]");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.shiftKey && event.key === "ArrowRight") { event.preventDefault(); send(card, moves(card)[0]); }
  else if (event.key === "m" && !event.shiftKey) {
    event.preventDefault();
    const menu = card.querySelector("details.menu"); menu.open = true; menu.querySelector("button").focus();
  }
});
