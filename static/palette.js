/* The command palette, and "g" followed by a letter: both follow the links of the navigation. */
(() => {
  "use strict";

  const CHORD_MS = 1200;
  const palette = document.getElementById("palette");
  if (!palette) return;
  const input = palette.querySelector("input");
  const pages = palette.querySelector("#palette-pages");
  const found = palette.querySelector("#palette-found");
  const places = [...document.querySelectorAll(".sidebar nav a")];

  const showPages = () => {
    const wanted = input.value.trim().toLowerCase();
    const rows = places
      .filter((place) => place.textContent.toLowerCase().includes(wanted))
      .map((place) => {
        const row = place.cloneNode(true);
        row.className = "palette-item";
        row.removeAttribute("aria-current");
        row.querySelector(".count")?.remove();
        if (place.dataset.goto) {
          const keys = document.createElement("span");
          keys.className = "meta";
          for (const key of ["g", place.dataset.goto]) {
            const cap = document.createElement("kbd");
            cap.textContent = key;
            keys.append(cap, " ");
          }
          row.append(keys);
        }
        return row;
      });
    const label = document.createElement("p");
    label.className = "palette-label";
    label.textContent = pages.dataset.label;
    pages.replaceChildren(...(rows.length ? [label, ...rows] : []));
  };
  const items = () => [...palette.querySelectorAll(".palette-item")];

  const open = () => {
    input.value = "";
    found.replaceChildren();
    showPages();
    palette.showModal();
    input.focus();
  };
  input.addEventListener("input", showPages);
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const rows = items();
    if (step) {
      const at = rows.indexOf(document.activeElement) + step;
      (rows[at] ?? (at < 0 ? input : rows.at(-1)))?.focus();
      event.preventDefault();
    } else if (event.key === "Enter" && event.target === input) {
      rows[0]?.click();
      event.preventDefault();
    }
  });
  palette.addEventListener("click", (event) => event.target === palette && palette.close());

  let chordUntil = 0;
  document.addEventListener("keydown", (event) => {
    const command = (event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey;
    if (command && event.key === "k") {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) open();
      return;
    }
    const off = document.cookie.includes("single_keys=off") || document.querySelector("dialog[open]");
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (off || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "g") {
      chordUntil = Date.now() + CHORD_MS;
    } else if (Date.now() < chordUntil) {
      chordUntil = 0;
      const place = places.find((link) => link.dataset.goto === event.key);
      if (!place) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      place.click();
    }
  }, true);
})();
