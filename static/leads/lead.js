/* One lead's own behaviour, beside a list or on its page. What is typed is kept by the portal's drafts. */

// Esc leaves a field of the touch bar, so that the next digit logs instead of being typed.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key === "Escape" && field.closest?.(".touch-form") && field.matches("input, select")) { field.blur(); event.stopPropagation(); return; }
  // The dialog's fields belong to the form behind it, whose first button does nothing: Enter means the dialog's own.
  if (event.key === "Enter" && field.form?.id === "touch-form" && field.matches("dialog input")) {
    event.preventDefault();
    field.closest("dialog").querySelector("[data-enter]").click();
  }
}, true);

/* A time held while the booking form is open: given back when the form is left, but not when it is sent. */
let slot = "";
const heldSlot = () => document.querySelector("[data-slot-release]")?.dataset.slotRelease || "";
function giveBack() {
  if (!slot) return;
  const body = new FormData();
  body.append("csrfmiddlewaretoken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
  navigator.sendBeacon(slot, body);
  slot = "";
}
document.addEventListener("htmx:afterSettle", () => { const now = heldSlot(); if (slot && slot !== now) giveBack(); slot = now; });
document.addEventListener("submit", (event) => { if (event.target.matches(".book-form")) slot = ""; }, true);
window.addEventListener("pagehide", giveBack);
slot = heldSlot();
