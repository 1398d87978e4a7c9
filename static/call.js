/* The page of a call or a chat: the player, the row of the transcript that is heard, finding in
   the transcript, copying it, printing all of it. */
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const transcript = document.getElementById("transcript");

  /* Player: our controls around the browser's <audio>. */
  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  const enliven = (player) => {
    const audio = $("audio", player);
    const bar = $("[data-seek]", player);
    const toggle = $("[data-toggle]", player);
    const trouble = $("[data-trouble]", player);
    const skips = $("[data-skips]", player);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const rows = $$("[data-ms]", transcript ?? player).filter((row) => row.id.startsWith("turn-"));
    const pauses = bar.dataset.pauses.split(" ").filter(Boolean).map((pause) => pause.split("-").map(Number));
    let current = null;
    let follows = false;
    let moves = false;

    audio.controls = false;
    $("[data-controls]", player).hidden = false;
    const length = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : Number(bar.max));

    /* Rows are sorted by time, but for what was said over each other: the last that has begun. */
    const rowAt = (ms) => {
      let found = null;
      for (const row of rows) {
        if (Number(row.dataset.ms) > ms) break;
        found = row;
      }
      return found;
    };
    const markRow = (seconds) => {
      const row = rowAt(seconds * 1000 + 50);
      if (row === current) return;
      current?.removeAttribute("aria-current");
      current = row;
      row?.setAttribute("aria-current", "true");
      if (row && follows) row.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    };
    const show = (seconds) => {
      if (!moves) bar.value = seconds;
      bar.setAttribute("aria-valuetext", `${clock(seconds)} ${player.dataset.of} ${clock(length())}`);
      $("[data-now]", player).textContent = clock(seconds);
      const share = Math.min(100, (seconds / length()) * 100);
      $("[data-played]", player).style.clipPath = `inset(0 ${100 - share}% 0 0)`;
      markRow(seconds);
    };
    const seek = (seconds) => {
      const to = Math.min(Math.max(0, seconds), Math.max(0, length() - 0.05));
      audio.currentTime = to;
      show(to);
    };
    const play = () => {
      player.classList.add("heard");
      follows = true;
      trouble.hidden = true;
      audio.play().catch((error) => {
        if (error.name === "NotSupportedError") explain();
      });
    };

    /* Why there is nothing to hear: the server says it in a sentence. */
    let asking = false;
    const explain = async () => {
      if (asking) return;
      asking = true;
      let sentence = player.dataset.away;
      try {
        const answer = await fetch(audio.getAttribute("src"), { headers: { Range: "bytes=0-0" } });
        const isText = answer.headers.get("Content-Type")?.startsWith("text/plain");
        if (answer.ok) sentence = player.dataset.odd;
        else if (isText) sentence = await answer.text();
      } catch {
        /* Away it is. */
      }
      $("span", trouble).textContent = sentence;
      trouble.hidden = false;
      asking = false;
    };

    const showState = () => {
      const playing = !audio.paused && !audio.ended;
      toggle.setAttribute("aria-label", playing ? player.dataset.pause : player.dataset.play);
      $("[data-icon=play]", toggle).hidden = playing;
      $("[data-icon=pause]", toggle).hidden = !playing;
    };
    const skipSilence = () => {
      if (skips?.getAttribute("aria-pressed") !== "true" || audio.paused) return;
      const pause = pauses.find(([from, to]) => audio.currentTime > from + 0.4 && audio.currentTime < to - 0.4);
      if (pause) seek(pause[1] - 0.2);
    };

    for (const name of ["play", "playing", "pause", "ended"]) audio.addEventListener(name, showState);
    audio.addEventListener("waiting", () => toggle.setAttribute("aria-busy", "true"));
    for (const name of ["playing", "pause", "error"]) audio.addEventListener(name, () => toggle.removeAttribute("aria-busy"));
    audio.addEventListener("timeupdate", () => {
      skipSilence();
      show(audio.currentTime);
    });
    audio.addEventListener("durationchange", () => {
      bar.max = length();
      $("[data-total]", player).textContent = clock(length());
      show(audio.currentTime);
    });
    audio.addEventListener("error", () => {
      showState();
      explain();
    });

    toggle.addEventListener("click", () => (audio.paused ? play() : audio.pause()));
    bar.addEventListener("pointerdown", () => (moves = true));
    bar.addEventListener("input", () => show(Number(bar.value)));
    bar.addEventListener("change", () => {
      moves = false;
      seek(Number(bar.value));
    });
    $("[data-speed]", player).addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
    skips?.addEventListener("click", () => skips.setAttribute("aria-pressed", skips.getAttribute("aria-pressed") !== "true"));
    $("[data-again]", trouble).addEventListener("click", () => {
      const at = audio.currentTime;
      audio.load();
      seek(at);
      play();
      toggle.focus();
    });
    player.addEventListener("click", (event) => {
      const jump = event.target.closest("[data-jump]");
      if (jump) seek(audio.currentTime + Number(jump.dataset.jump));
    });
    player.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.matches("select")) return;
      const jump = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
      if (jump) seek(audio.currentTime + jump);
      else if (event.key === " " && !event.target.closest("button, a")) audio.paused ? play() : audio.pause();
      else return;
      event.preventDefault();
    });

    /* The time of a row plays from there; scrolling by oneself ends following it. */
    transcript?.addEventListener("click", (event) => {
      const at = event.target.closest("a.at");
      const row = at?.closest("[data-ms]");
      if (!row) return;
      event.preventDefault();
      history.replaceState(history.state, "", `#${row.id}`);
      seek(Number(row.dataset.ms) / 1000);
      play();
    });
    for (const name of ["wheel", "touchmove"]) addEventListener(name, () => (follows = false), { passive: true });
    addEventListener("keydown", (event) => {
      if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key)) follows = false;
    });

    const linked = rows.find((row) => `#${row.id}` === location.hash);
    if (linked) seek(Number(linked.dataset.ms) / 1000);
    else show(0);
  };
  for (const player of $$("[data-player]")) enliven(player);

  /* Find: every match is marked; Enter, Shift+Enter and the arrows go from one to the next. */
  const box = $("[data-find-box]");
  if (box && transcript) {
    const input = $("[data-find]", box);
    const count = $("[data-found]", box);
    const steps = $$("[data-step]", box);
    let found = [];
    let at = -1;
    let waiting;

    const mark = (node, word) => {
      const place = node.data.toLowerCase().indexOf(word);
      if (place < 0) return;
      const rest = node.splitText(place);
      const after = rest.splitText(word.length);
      const element = document.createElement("mark");
      rest.replaceWith(element);
      element.append(rest);
      mark(after, word);
    };
    const find = () => {
      for (const element of found) element.replaceWith(...element.childNodes);
      if (found.length) transcript.normalize();
      const word = input.value.trim().toLowerCase();
      if (word.length > 1) {
        const texts = [];
        for (const part of $$(".said, .tool .mono, .tool pre", transcript)) {
          const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) texts.push(walker.currentNode);
        }
        for (const text of texts) mark(text, word);
      }
      found = $$("mark", transcript);
      at = -1;
      for (const step of steps) step.disabled = !found.length;
      say();
      if (found.length) go(1, false);
    };
    const say = () => {
      const asked = input.value.trim().length > 1;
      count.textContent = !asked ? "" : found.length ? `${at + 1} / ${found.length}` : count.dataset.none;
    };
    const go = (by, moves = true) => {
      if (!found.length) return;
      found[at]?.classList.remove("now");
      at = (at + by + found.length) % found.length;
      const now = found[at];
      now.classList.add("now");
      const folded = now.closest("details");
      if (folded && moves) folded.open = true;
      if (moves) now.scrollIntoView({ block: "center" });
      say();
    };
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(find, 120);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    });
    for (const step of steps) step.addEventListener("click", () => go(Number(step.dataset.step)));
  }

  /* Copying: a line for each row. app.js does the rest with what stands in data-copy. */
  const line = (row) => {
    const part = (selector) => $(selector, row)?.textContent.trim() ?? "";
    const tool = $(".tool", row);
    const text = tool
      ? [part("summary .mono"), ...$$("pre", tool).map((pre) => pre.textContent.trim())].join(" | ")
      : part(".said");
    return `${part(".at")}  ${part(".speaker")}: ${text}`;
  };
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("[data-copies]");
      if (button) button.dataset.copy = $$(".turn", document.getElementById(button.dataset.copies)).map(line).join("\n");
    },
    true,
  );

  /* On paper nothing is folded. */
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = $$("details.tool:not([open]), details.disclosure:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
