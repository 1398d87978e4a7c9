/* Live updates: the server says what changed, and the parts of the page that show it refetch
   themselves (hx-trigger="switchboard:changed from:body").

   On such a part:
     data-live="calls"         topics it shows; without it every topic counts
     data-live-every="30"      at most one refetch in so many seconds
     data-live-pill="New calls" a list: when scrolled or in use, offer a button instead of moving it */
(() => {
  "use strict";

  const POLL = 15_000;
  const RETRY_MOST = 30_000;
  const HIDDEN_LIMIT = 10 * 60_000;
  /* What the page fetches by itself: nobody is there because of that. */
  const REFRESH = { "X-Live-Refresh": "1" };
  const CLOSED_FOR_GOOD = [4401, 4403];
  const NAMES = { live: "Live", reconnecting: "Reconnecting…", paused: "Paused" };

  const setting = (name) => document.querySelector(`meta[name="live-${name}"]`)?.content ?? "";
  const url = setting("url");
  const badge = document.getElementById("live-state");
  let ticket = setting("ticket");
  let socket = null;
  let attempts = 0;
  let retryTimer = 0;
  let hiddenTimer = 0;
  let paused = false;
  let ended = false;

  const parts = () => [...document.querySelectorAll('[hx-trigger*="switchboard:changed"]')];
  const open = () => socket?.readyState === WebSocket.OPEN;

  const show = (state) => {
    if (!badge || !parts().length) return;
    badge.hidden = false;
    badge.dataset.state = state;
    badge.lastElementChild.textContent = NAMES[state];
    badge.title = ended
      ? "Live updates ended. Reload the page."
      : state === "paused"
        ? "Resume live updates"
        : `Pause live updates${open() || state !== "live" ? "" : "; checks every 15 seconds"}`;
  };
  /* detail: {topics, only}; no topics means "look at everything", `only` names parts by id. */
  const announce = (detail = {}) => document.body.dispatchEvent(new CustomEvent("switchboard:changed", { detail }));

  /* A ticket lives for a minute only; a later connection takes a new one from this page. */
  const renewTicket = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin", headers: REFRESH });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    ticket = page.querySelector('meta[name="live-ticket"]')?.content ?? ticket;
  };

  const retry = () => {
    if (paused || ended) return;
    attempts += 1;
    show("reconnecting");
    const wait = Math.random() * Math.min(RETRY_MOST, 1000 * 2 ** attempts);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => renewTicket().then(connect, retry), 500 + wait);
  };

  const connect = () => {
    if (!url || paused || ended) return;
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("ticket", ticket);
    const current = (socket = new WebSocket(address));
    current.addEventListener("open", () => {
      show("live");
      /* Signals sent while we were away are lost, so look once. */
      if (attempts) announce();
      attempts = 0;
    });
    current.addEventListener("message", (event) => {
      try {
        const said = JSON.parse(event.data);
        announce({ topics: said.topics ?? [said.topic] });
      } catch {
        announce();
      }
    });
    current.addEventListener("close", (event) => {
      if (socket !== current) return;
      ended = CLOSED_FOR_GOOD.includes(event.code);
      if (ended) show("paused");
      else retry();
    });
  };

  const pause = () => {
    paused = true;
    clearTimeout(retryTimer);
    const current = socket;
    socket = null;
    current?.close();
    show("paused");
  };
  const resume = () => {
    paused = false;
    announce();
    if (url) retry();
    else show("live");
  };

  /* Nothing moves under a reader: what is in use waits. */
  const inUse = (part) =>
    part.contains(document.activeElement) ||
    part.querySelector("details[open], input:checked") ||
    ("livePill" in part.dataset ? scrollY > 80 : part.querySelector(".chart-plot:hover"));
  const offer = (part, event) => {
    if (part.previousElementSibling?.matches(".pill")) return;
    const button = document.createElement("button");
    button.className = "pill";
    button.type = "button";
    button.textContent = part.dataset.livePill;
    button.addEventListener("click", () => {
      button.remove();
      document.activeElement?.blur();
      scrollTo({ top: 0 });
      announce(event.detail);
    });
    part.before(button);
  };

  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.triggeringEvent?.type === "switchboard:changed") Object.assign(detail.headers, REFRESH);
  });

  const last = new Map();
  const waiting = new Set();
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const { elt: part, requestConfig } = event.detail;
    const cause = requestConfig?.triggeringEvent;
    if (cause?.type !== "switchboard:changed") return;
    const { topics, only } = cause.detail;
    const shown = part.dataset.live?.split(" ");
    const foreign =
      (only && !only.includes(part.id)) || (topics && shown && !topics.some((topic) => shown.includes(topic)));
    const every = Number(part.dataset.liveEvery ?? 1) * 1000;
    const early = Date.now() - (last.get(part.id) ?? 0) < every;
    const busy = inUse(part);
    if (!foreign && !early && !busy && !document.hidden) {
      last.set(part.id, Date.now());
      return;
    }
    event.preventDefault();
    if (foreign) return;
    if (busy && "livePill" in part.dataset) offer(part, cause);
    else waiting.add(part.id);
  });

  /* What had to wait is asked again. */
  setInterval(() => {
    if (paused || document.hidden || !waiting.size) return;
    const only = [...waiting];
    waiting.clear();
    announce({ only });
  }, 5000);

  /* Rows that were not there before light up once. */
  let known = new Set();
  const rowIds = (root) => [...(root?.querySelectorAll("tr[id]") ?? [])].map((row) => row.id);
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const live = event.detail.requestConfig?.triggeringEvent?.type === "switchboard:changed";
    known = live ? new Set(rowIds(event.detail.target)) : new Set();
  });
  document.body.addEventListener("htmx:load", (event) => {
    if (!known.size) return;
    for (const id of rowIds(event.detail.elt)) if (!known.has(id)) document.getElementById(id).classList.add("new");
    known = new Set();
  });

  badge?.addEventListener("click", () => (ended ? location.reload() : paused ? resume() : pause()));
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => !paused && (pause(), (badge.dataset.auto = "1")), HIDDEN_LIMIT);
    else if (badge?.dataset.auto) {
      delete badge.dataset.auto;
      resume();
    } else if (!paused) announce();
  });
  setInterval(() => {
    if (!paused && !ended && !open() && !document.hidden) announce();
  }, POLL);

  if (url) connect();
  else show("live");
})();
