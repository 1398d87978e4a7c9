/* Live updates: the server says what changed, and the parts of the page that show it refetch
   themselves (hx-trigger="switchboard:changed from:body").

   On such a part:
     data-live="calls"               topics it shows; without it every topic counts
     data-live-every="30"            at most one refetch in so many seconds (charts)
     data-live-pill="{count} new calls" data-live-pill-one="1 new call"
                                     a list: scrolled or in use, it offers a button and stays
   Inside of one:
     data-live-counter, with an id   a number that changes in place also while the part stays
   Rows are what has an id: tr[id], li[id]. */
(() => {
  "use strict";

  const POLL = 15_000;
  const RESYNC = 5 * 60_000;
  const HIDDEN_LIMIT = 10 * 60_000;
  const RETRY_MOST = 30_000;
  const STABLE = 5000;
  const SHORTEST = 250;
  const LOOK_EVERY = 2000;
  const TIMEOUT = 15_000;
  const TOP = 80;
  const EVERYTHING = "*";
  const CHANGED = "switchboard:changed";
  const PARTS = `[hx-trigger*="${CHANGED}"][id]`;
  /* What the page fetches by itself: nobody is there because of that. */
  const REFRESH = { "X-Live-Refresh": "1" };
  const ROWS = "tr[id], li[id]";

  const setting = (name) => document.querySelector(`meta[name="live-${name}"]`)?.content ?? "";
  const url = setting("url");
  const badge = document.getElementById("live-state");

  /* --- Parts ----------------------------------------------------------------------------------- */

  const parts = () => [...document.querySelectorAll(PARTS)];
  const states = new Map();
  const stateOf = (id) => {
    if (!states.has(id))
      states.set(id, {
        stale: false, // what it shows is not the newest
        heard: false, // something changed since anybody looked
        busy: false,
        started: 0,
        took: 0,
        looked: 0,
        failures: 0,
        again: 0,
        before: null,
      });
    return states.get(id);
  };
  const isLive = (event) => event?.type === CHANGED;
  const every = (part) => Number(part.dataset.liveEvery ?? 0) * 1000;
  const loadedAt = Date.now();

  /* Nothing moves under a reader. */
  const isSelected = (part) => {
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(part, true);
  };
  const inUse = (part) =>
    part.contains(document.activeElement) ||
    isSelected(part) ||
    part.querySelector("details[open], dialog[open], input:checked") !== null ||
    ("livePill" in part.dataset ? scrollY > TOP : part.querySelector(".chart-plot:hover") !== null);

  const mark = (topics) => {
    for (const part of parts()) {
      const shown = part.dataset.live?.split(" ");
      const all = !topics || !shown || topics.includes(EVERYTHING);
      if (all || topics.some((topic) => shown.includes(topic)))
        Object.assign(stateOf(part.id), { stale: true, heard: true });
    }
    pump();
  };

  let pumping = 0;
  const pumpIn = (wait) => {
    const at = Date.now() + wait;
    if (pumping && pumping.at <= at) return;
    clearTimeout(pumping?.timer);
    pumping = { at, timer: setTimeout(pump, wait) };
  };
  const pump = () => {
    clearTimeout(pumping?.timer);
    pumping = 0;
    if (paused || ended || document.hidden) return;
    for (const part of parts()) step(part, stateOf(part.id));
  };
  const step = (part, state) => {
    if (!state.stale || state.busy) return;
    const now = Date.now();
    const since = state.started || (every(part) ? loadedAt : 0);
    const due = Math.max(since + Math.max(SHORTEST, every(part), 2 * state.took), state.again);
    if (inUse(part)) look(part, state);
    else if (due <= now) fetchPart(part);
    else {
      pumpIn(due - now);
      if (every(part)) look(part, state);
    }
  };
  /* `asked`: somebody pressed for it, so it comes although they are there. */
  const fetchPart = (part, asked = false) => {
    const detail = { only: [part.id], asked };
    document.body.dispatchEvent(new CustomEvent(CHANGED, { detail }));
  };

  /* A part that stays as it is: count what it would show, and change its counters. */
  const look = async (part, state) => {
    /* A part within this one looks after its own. */
    const counters = [...part.querySelectorAll("[data-live-counter][id]")].filter(
      (counter) => counter.closest(PARTS) === part,
    );
    if (!state.heard || (!counters.length && !("livePill" in part.dataset))) return;
    const due = Math.max(state.looked + Math.max(LOOK_EVERY, 4 * state.took), state.again);
    if (due > Date.now()) return pumpIn(due - Date.now());
    state.looked = Date.now();
    state.busy = true;
    state.heard = false;
    try {
      const fresh = await fetchQuietly(part);
      for (const counter of counters) {
        const newer = fresh.querySelector(`#${CSS.escape(counter.id)}`);
        if (newer && newer.textContent !== counter.textContent) counter.replaceChildren(...newer.childNodes);
      }
      succeeded(part.id);
      const known = new Set(rowIds(part));
      const ids = rowIds(fresh);
      const news = ids.filter((id) => !known.has(id)).length;
      if ("livePill" in part.dataset && news) offer(part, news === ids.length && known.size ? `${news}+` : news);
    } catch {
      state.heard = true;
      failed(part);
    }
    state.busy = false;
    state.took = Date.now() - state.looked;
    pumpIn(0);
  };
  const fetchQuietly = async (part) => {
    const headers = { ...REFRESH, "HX-Request": "true", "HX-Target": part.id };
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(part.getAttribute("hx-get"), { credentials: "same-origin", headers, signal });
    if (!answer.ok || answer.headers.has("HX-Refresh")) throw new Error("not refreshed");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) throw new Error("another page");
    return fresh;
  };
  const rowIds = (root) => [...root.querySelectorAll(ROWS)].map((row) => row.id);

  /* --- What a part says when it cannot move, or cannot be fetched ------------------------------ */

  const pillOf = (id) => document.querySelector(`.pill[data-for="${CSS.escape(id)}"]`);
  const offer = (part, count) => {
    const { livePill, livePillOne } = part.dataset;
    const text = (count === 1 && livePillOne) || livePill.replace("{count}", count);
    let button = pillOf(part.id);
    if (!button) {
      button = document.createElement("button");
      button.className = "pill";
      button.type = "button";
      button.dataset.for = part.id;
      button.addEventListener("click", () => take(part.id));
      part.before(button);
    }
    if (button.textContent !== text) button.textContent = text;
  };
  /* What somebody asked for by the button comes at once, and rows stay chosen. */
  const take = (id) => {
    const part = document.getElementById(id);
    if (!part) return;
    scrollTo({ top: 0 });
    fetchPart(part, true);
  };

  const retryOf = (id) => document.querySelector(`.refresh-failed[data-for="${CSS.escape(id)}"]`);
  const failed = (part) => {
    const state = stateOf(part.id);
    state.failures += 1;
    state.again = Math.max(state.again, Date.now() + Math.min(60_000, 2500 * 2 ** state.failures));
    const shown = retryOf(part.id);
    if (shown) return shown.querySelector("button").removeAttribute("aria-busy");
    const notice = document.getElementById("live-retry-template")?.content.firstElementChild.cloneNode(true);
    if (!notice) return;
    notice.dataset.for = part.id;
    notice.querySelector("button").addEventListener("click", (event) => {
      event.currentTarget.setAttribute("aria-busy", "true");
      state.again = 0;
      fetchPart(part, true);
    });
    part.prepend(notice);
  };
  const succeeded = (id) => {
    const state = stateOf(id);
    state.failures = state.again = 0;
    retryOf(id)?.remove();
  };

  /* --- htmx ------------------------------------------------------------------------------------ */

  const on = (name, listener) => document.body.addEventListener(`htmx:${name}`, listener);

  on("configRequest", ({ detail }) => {
    if (!isLive(detail.triggeringEvent)) return;
    Object.assign(detail.headers, REFRESH);
    detail.timeout = TIMEOUT;
  });
  on("beforeRequest", (event) => {
    const { elt: part, requestConfig } = event.detail;
    const cause = requestConfig?.triggeringEvent;
    if (!isLive(cause)) return;
    const only = cause.detail?.only;
    if (!only?.includes(part.id)) {
      event.preventDefault();
      if (!only) mark(cause.detail?.topics); // somebody else's "look at everything"
      return;
    }
    const state = stateOf(part.id);
    Object.assign(state, { stale: false, heard: false, busy: true, started: Date.now() });
  });
  on("beforeSwap", ({ detail }) => {
    if (!detail.shouldSwap || !isLive(detail.requestConfig?.triggeringEvent)) return;
    const part = detail.requestConfig.elt;
    const state = stateOf(part.id);
    /* Somebody came to it while it was on its way: it is looked at instead. */
    if (inUse(part) && !detail.requestConfig.triggeringEvent.detail.asked) {
      detail.shouldSwap = false;
      state.stale = state.heard = true;
      return;
    }
    state.before = {
      rows: new Set(rowIds(part)),
      chosen: [...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => [box.name, box.value]),
    };
  });
  /* Rows that were not there before light up once; those that were chosen stay so. */
  on("load", ({ detail: { elt: part } }) => {
    /* What was on its way to a part that was replaced never arrives. */
    for (const { id } of [part, ...part.querySelectorAll(PARTS)]) if (states.has(id)) states.get(id).busy = false;
    const state = states.get(part.id);
    const before = state?.before;
    if (!before) return;
    state.before = null;
    if (before.rows.size)
      for (const row of part.querySelectorAll(ROWS)) if (!before.rows.has(row.id)) row.classList.add("new");
    for (const box of part.querySelectorAll("input[type=checkbox]"))
      if (before.chosen.some(([name, value]) => box.name === name && box.value === value)) {
        box.checked = true;
        box.dispatchEvent(new Event("change", { bubbles: true }));
      }
  });
  on("afterRequest", ({ detail }) => {
    const { requestConfig, successful, xhr } = detail;
    if (successful && requestConfig.target?.id) {
      succeeded(requestConfig.target.id);
      pillOf(requestConfig.target.id)?.remove();
    }
    if (!isLive(requestConfig.triggeringEvent)) return;
    const { id } = requestConfig.elt;
    const state = stateOf(id);
    state.busy = false;
    state.took = Date.now() - state.started;
    pumpIn(0);
    if (successful || unloading) return;
    /* Who may not see it any more sees the page that says so. */
    if ([401, 403].includes(xhr.status)) return location.reload();
    state.stale = state.heard = true;
    state.again = Date.now() + 1000 * Number(xhr.getResponseHeader("Retry-After") ?? 0);
    const part = document.getElementById(id);
    if (part) failed(part);
  });
  /* What a new page breaks off is no failure; a download looks the same for a moment. */
  let unloading = false;
  addEventListener("beforeunload", () => {
    unloading = true;
    setTimeout(() => (unloading = false), 5000);
  });

  /* What was in use may be free now. */
  const freed = () => [...states.values()].some((state) => state.stale) && pumpIn(300);
  for (const name of ["focusout", "selectionchange", "pointerout", "change", "toggle", "scroll"])
    document.addEventListener(name, freed, { passive: true, capture: true });
  setInterval(freed, LOOK_EVERY);

  /* --- Connection ------------------------------------------------------------------------------ */

  let ticket = setting("ticket");
  let socket = null;
  let attempts = 0;
  let retryTimer = 0;
  let stableTimer = 0;
  let hiddenTimer = 0;
  let paused = false;
  let pausedByItself = false;
  let ended = false;
  let leaving = false;

  const open = () => socket?.readyState === WebSocket.OPEN;
  const show = (name, title, seconds) => {
    if (!badge) return;
    badge.hidden = false;
    badge.dataset.state = name;
    badge.lastElementChild.textContent = badge.dataset[`text${name[0].toUpperCase()}${name.slice(1)}`];
    badge.title = (badge.dataset[`title${title}`] ?? "").replace("{seconds}", seconds);
  };
  const end = () => {
    ended = true;
    socket?.close();
    show("paused", "Ended");
  };

  /* A new ticket, or "" when this session may have none any more; raises when nobody can say. */
  const newTicket = async () => {
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(setting("renew"), { credentials: "same-origin", headers: REFRESH, redirect: "manual", signal });
    if (answer.status === 204) return answer.headers.get("Live-Ticket");
    if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) return "";
    throw new Error("no ticket");
  };
  const renew = async (current) => {
    try {
      const renewed = await newTicket();
      if (!renewed) end();
      else if (current.readyState === WebSocket.OPEN) current.send(JSON.stringify({ ticket: renewed }));
    } catch {
      /* The socket is closed in a moment, and tried again like every other. */
    }
  };

  const retry = () => {
    if (paused || ended || leaving) return;
    attempts += 1;
    const wait = 300 + Math.random() * Math.min(RETRY_MOST, 1000 * 2 ** attempts);
    show("reconnecting", "Reconnecting", Math.ceil(wait / 1000));
    clearTimeout(retryTimer);
    retryTimer = setTimeout(reconnect, wait);
  };
  const reconnect = async () => {
    try {
      const renewed = await newTicket();
      if (paused || ended || open()) return;
      if (!renewed) return end();
      ticket = renewed;
      connect();
    } catch {
      retry();
    }
  };
  const connect = () => {
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("ticket", ticket);
    const current = (socket = new WebSocket(address));
    current.addEventListener("open", () => {
      show("live", "Live");
      clearTimeout(stableTimer);
      /* Signals sent while we were away are lost, so look once. */
      if (attempts) mark();
      stableTimer = setTimeout(() => (attempts = 0), STABLE);
    });
    current.addEventListener("message", ({ data }) => {
      const said = JSON.parse(data);
      if (said.topics) mark(said.topics);
      if (said.renew) renew(current);
    });
    current.addEventListener("close", () => {
      clearTimeout(stableTimer);
      if (socket === current) retry();
    });
  };

  const pause = () => {
    paused = true;
    clearTimeout(retryTimer);
    const current = socket;
    socket = null;
    current?.close();
    show("paused", "Paused");
  };
  const resume = () => {
    paused = pausedByItself = false;
    mark();
    if (!url) return show("live", "Polling");
    attempts = Math.max(attempts, 1);
    show("reconnecting", "Reconnecting", 1);
    reconnect();
  };

  badge?.addEventListener("click", () => (ended ? location.reload() : paused ? resume() : pause()));
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        if (paused || ended) return;
        pausedByItself = true;
        pause();
      }, HIDDEN_LIMIT);
    } else if (pausedByItself) resume();
    else if (!open()) mark();
    else pump();
  });
  addEventListener("online", () => socket && !open() && !paused && !ended && (clearTimeout(retryTimer), reconnect()));
  addEventListener("pagehide", () => (leaving = true));
  addEventListener("pageshow", ({ persisted }) => {
    leaving = false;
    if (persisted && !paused) resume();
  });
  const lookByItself = () => !paused && !ended && !document.hidden && mark();
  setInterval(() => !open() && lookByItself(), POLL);
  setInterval(lookByItself, RESYNC);

  if (url) {
    show("reconnecting", "Reconnecting", 1);
    connect();
  } else show("live", "Polling");
})();
