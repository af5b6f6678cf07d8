/* Choosing rows of a list for an act on many: s chooses the row that one stands on, Shift takes all between two. */

const boxes = () => [...document.querySelectorAll("input[data-pick]")];
let last = null;

function pick(box, on) {
  if (box.checked !== on) box.checked = on;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  last = box;
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("input[data-pick]");
  if (!box) return;
  if (event.shiftKey && last?.isConnected && last !== box) {
    const list = boxes(), [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    for (const one of list.slice(from, to + 1)) one.checked = box.checked;
    getSelection().removeAllRanges();
  }
  last = box;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "s" || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  const row = document.querySelector("[data-row].cursor") || event.target.closest("[data-row]") || document.querySelector("[data-row].active");
  const box = row?.querySelector("input[data-pick]");
  if (box) { event.preventDefault(); pick(box, !box.checked); }
});
