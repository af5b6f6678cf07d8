/* The queue's own behaviour: which row is open, and letting go of a held lead when one leaves. */

const open = () => document.querySelector("#panel [data-lead]");

function mark() {
  const pk = open()?.dataset.lead || "";
  for (const row of document.querySelectorAll("[data-lead-row]")) {
    const active = row.dataset.leadRow === pk;
    row.classList.toggle("active", active);
    active ? row.setAttribute("aria-selected", "true") : row.removeAttribute("aria-selected");
  }
  const after = document.querySelector("#queue input[name=after]");
  if (after) after.value = pk;
}

let held = "";
const hold = () => { held = open()?.dataset.held || ""; };

function letGo() {
  if (!held) return;
  const body = new FormData();
  body.append("csrfmiddlewaretoken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
  navigator.sendBeacon(held, body);
  held = "";
}

// Opening another lead lets go of the one that was open; so does leaving the page, except for "next",
// which lets go by itself and must not be overtaken.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "panel") { mark(); return; }
  const now = open()?.dataset.held || "";
  if (held && held !== now) letGo();
  hold(); mark();
});
document.addEventListener("portal:polled", mark);
document.addEventListener("submit", (event) => { if (event.target.closest("#queue")) held = ""; });
window.addEventListener("pagehide", letGo);
hold(); mark();
