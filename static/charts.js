/* Charts: a tooltip at the pointer, and reading by arrow keys; both take their numbers from the
   chart's table. Left and right go along, up and down through what is stacked (or the rows of a
   heat map), Enter opens what is behind a value. */
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const HEAT_LINE = 28;
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-999, 0], End: [999, 0] };

  const element = (kind, name = "", text = "") => {
    const made = document.createElement(kind);
    made.className = name;
    made.textContent = text;
    return made;
  };
  const bound = (value, most) => Math.min(Math.max(value, 0), most);

  const chartOf = (plot) => {
    const chart = plot.closest(".chart");
    const heat = chart.dataset.chart === "heat";
    const heads = $$("thead th", chart).slice(1);
    const rows = $$("tbody tr", chart);
    return { chart, plot, heads, rows, heat, count: Number(chart.dataset.count), downs: heat ? rows.length : heads.length };
  };
  /* The cell of the table that holds a value. */
  const cellAt = ({ rows, heat }, at, down) => {
    const row = rows[heat ? down : at];
    return row && $$("td", row)[heat ? at : down];
  };
  const clearTip = (chart) => {
    for (const part of $$(".chart-tip, .chart-cursor", chart)) part.remove();
  };

  const line = (tone, name, value, chosen) => {
    const row = element("div", chosen ? "picked" : "");
    if (tone) row.append(element("span", `swatch ${tone}`));
    row.append(element("span", "", name), element("span", "", value));
    return row;
  };
  const tipOf = ({ heads, rows, heat }, at, down) => {
    const tip = element("div", "chart-tip");
    const row = rows[heat ? down : at];
    const cells = $$("td", row);
    tip.append(element("b", "", row.cells[0].textContent + (heat ? ` ${heads[at].textContent}` : "")));
    if (heat) tip.append(line("", row.closest("table").caption.textContent, cells[at].textContent));
    else heads.forEach((head, place) => tip.append(line(head.dataset.tone, head.textContent, cells[place].textContent, place === down)));
    return tip;
  };
  const place = ({ plot, count, heat }, tip, at, down) => {
    const x = ((at + 0.5) / count) * plot.clientWidth;
    const flips = x + 16 + tip.offsetWidth > plot.clientWidth;
    tip.style.left = `${Math.max(0, flips ? x - tip.offsetWidth - 16 : x + 16)}px`;
    if (heat) tip.style.top = `${(down + 1) * HEAT_LINE + 4}px`;
  };
  const cursorOf = ({ heat, count }, at, down) => {
    const cursor = element("div", "chart-cursor");
    cursor.style.left = `${(at * 100) / count}%`;
    cursor.style.width = `${100 / count}%`;
    if (heat) {
      cursor.style.top = `${down * HEAT_LINE}px`;
      cursor.style.height = `${HEAT_LINE}px`;
    }
    return cursor;
  };

  const showTip = (data, at, down) => {
    const { chart, plot, rows, heat } = data;
    clearTip(chart);
    if (!rows[heat ? down : at]) return;
    plot.dataset.at = at;
    plot.dataset.down = down;
    const tip = tipOf(data, at, down);
    plot.append(cursorOf(data, at, down), tip);
    place(data, tip, at, down);
  };

  const enliven = (plot) => {
    const data = chartOf(plot);
    const said = element("span", "sr-only");
    said.setAttribute("role", "status");
    data.chart.append(said);
    plot.tabIndex = 0;
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      const at = Math.floor(((event.clientX - box.left) / box.width) * data.count);
      const down = data.heat ? Math.floor((event.clientY - box.top) / HEAT_LINE) : -1;
      if (at < 0 || at >= data.count || (data.heat && down >= data.rows.length)) return;
      if (at !== Number(plot.dataset.at) || down !== Number(plot.dataset.down) || !$(".chart-tip", plot)) showTip(data, at, down);
    });
    plot.addEventListener("pointerleave", () => clearTip(data.chart));
    plot.addEventListener("blur", () => clearTip(data.chart));
    plot.addEventListener("keydown", (event) => {
      const move = STEPS[event.key];
      const at = Number(plot.dataset.at ?? -1);
      const down = Number(plot.dataset.down ?? 0);
      if (event.key === "Escape") clearTip(data.chart);
      const cell = event.key === "Enter" && event.target === plot && cellAt(data, at, down);
      if (cell) $("a", cell)?.click();
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const to = [bound(at + move[0], data.count - 1), bound(Math.max(down, 0) + move[1], data.downs - 1)];
      showTip(data, ...to);
      said.textContent = `${$(".chart-tip b", plot).textContent}, ${data.heat ? "" : `${data.heads[to[1]].textContent}: `}${cellAt(data, ...to).textContent}`;
    });
  };

  /* Calls in progress grow older. */
  setInterval(() => {
    for (const clock of $$("[data-elapsed]")) {
      const seconds = Math.floor((clock.dataset.elapsed = Number(clock.dataset.elapsed) + 1000) / 1000);
      const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      clock.textContent = `${h ? `${h}:${String(m).padStart(2, "0")}` : m}:${String(s).padStart(2, "0")}`;
    }
  }, 1000);

  const prepare = (root) => {
    for (const plot of $$(".chart-plot", root)) if (!plot.hasAttribute("tabindex")) enliven(plot);
  };
  prepare(document);
  document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
})();
