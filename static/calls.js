/* The calls list: one box ticks the page, and the bar says how many are ticked. */
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll('input[form="ticked"]')];

  const show = () => {
    const all = document.querySelector("[data-tick-all]");
    const label = document.querySelector("[data-ticked-count]");
    if (!all || !label) return;
    const ticked = boxes().filter((box) => box.checked);
    all.hidden = false;
    all.checked = ticked.length > 0 && ticked.length === boxes().length;
    all.indeterminate = ticked.length > 0 && !all.checked;
    label.textContent = ticked.length;
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches('[data-tick-all], input[form="ticked"]')) show();
  });
  document.addEventListener("htmx:load", show);
  window.addEventListener("pageshow", show);
  show();
})();
