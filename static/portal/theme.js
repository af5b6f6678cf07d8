/* Sets light or dark before the first paint: loaded without defer in <head>, so it stays tiny. */
(function () {
  var root = document.documentElement, stored = null;
  try { stored = localStorage.getItem("portal-theme"); } catch (refused) { /* storage may be off */ }
  if (stored === "light" || stored === "dark") root.setAttribute("data-bs-theme", stored);
})();
