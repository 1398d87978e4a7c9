/* Behaviour that pages gain with script; without it every page still works. */
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const YEAR = 365 * 24 * 3600;

  const cookie = (name) => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1] ?? "";
  const setCookie = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${value ? YEAR : 0}; SameSite=Lax${secure}`;
  };
  const typing = (element) =>
    element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  /* Menus: <details class="menu"> closes on Escape, on a click elsewhere, when focus leaves. */
  const closeMenus = (except) => {
    for (const menu of $$("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("focusin", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]") ?? $("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    $("summary", menu).focus();
    event.preventDefault();
  });

  /* One that would leave the window on the right opens to the left. */
  document.addEventListener("toggle", ({ target: menu }) => {
    if (!menu.matches("details.menu")) return;
    menu.classList.remove("flipped");
    const beyond = menu.open && $(".menu-body", menu).getBoundingClientRect().right > innerWidth;
    menu.classList.toggle("flipped", beyond);
  }, true);

  /* Drawer: the browser opens, closes and returns focus; we move focus in. */
  const sidebar = $("#sidebar");
  sidebar?.addEventListener("toggle", (event) => {
    if (event.newState === "open") $("summary, a, button", sidebar)?.focus();
  });
  matchMedia("(min-width: 821px)").addEventListener("change", (wide) => {
    if (wide.matches && sidebar?.matches(":popover-open")) sidebar.hidePopover();
  });

  /* Theme: a cookie, so the server writes the attribute and nothing flashes. */
  const showTheme = () => {
    for (const button of $$("[data-theme-choice]"))
      button.setAttribute("aria-pressed", button.dataset.themeChoice === cookie("theme"));
  };
  const chooseTheme = (theme) => {
    setCookie("theme", theme);
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    showTheme();
  };

  /* Toasts: errors stay, the rest leaves after six seconds unless it is being read. */
  const arm = (toast) => {
    const button = $("#dismiss-template")?.content.firstElementChild.cloneNode(true);
    if (button) {
      button.addEventListener("click", () => toast.remove());
      toast.append(button);
    }
    if (toast.classList.contains("bad")) return;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
    setTimeout(leave, 6000);
  };
  const toast = (text, tone = "") => {
    const element = $("#toast-template")?.content.firstElementChild.cloneNode(true);
    if (!element) return;
    if (tone) element.classList.add(tone);
    $("span", element).textContent = text;
    $("#toasts").append(element);
    arm(element);
  };

  /* One listener for everything that is clicked. */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-theme-choice], [data-copy], [data-opens], [data-closes], [data-print]");
    if (!button) return;
    if ("themeChoice" in button.dataset) chooseTheme(button.dataset.themeChoice);
    if ("print" in button.dataset) print();
    if ("closes" in button.dataset) button.closest("dialog").close();
    if ("opens" in button.dataset) {
      event.preventDefault();
      closeMenus(null);
      document.getElementById(button.dataset.opens)?.showModal();
    }
    if ("copy" in button.dataset) {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        toast("Copied", "ok");
      } catch {
        toast("The browser did not allow copying. Select the text and copy it by hand.", "bad");
      }
    }
  });

  /* A form is sent once; its button says so. */
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || event.target.method === "dialog" || !button) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => (button.disabled = true));
  });
  addEventListener("pageshow", () => {
    for (const button of $$("button[aria-busy]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
  /* Empty filters stay out of the address. */
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });

  /* Single keys; they can be turned off in the list of shortcuts. */
  const rowLinks = () => $$(".row-link").filter((link) => link.offsetParent);
  const step = (by) => {
    const links = rowLinks();
    const at = links.indexOf(document.activeElement);
    links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  };
  const keys = {
    "/": () => ($("[data-search]") ?? $("[data-search-everywhere]"))?.focus(),
    "?": () => $("#shortcuts")?.showModal(),
    j: () => step(1),
    k: () => step(-1),
  };
  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented;
    if (busy || typing(event.target) || $("dialog[open]") || cookie("single_keys") === "off") return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("change", (event) => {
    if ("singleKeys" in event.target.dataset) setCookie("single_keys", event.target.checked ? "" : "off");
  });

  /* What every new piece of page needs, on load and after each swap. */
  const prepare = (root) => {
    const all = (selector) => [...(root.matches?.(selector) ? [root] : []), ...$$(selector, root)];
    for (const hidden of all("[data-copy], [data-opens], [data-print], [data-themes], [data-find-box]")) hidden.hidden = false;
    for (const box of all("[data-single-keys]")) box.checked = cookie("single_keys") !== "off";
    for (const tab of all(".tabs > [aria-current]")) {
      const strip = tab.parentElement;
      strip.scrollLeft = tab.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
    }
  };
  prepare(document);
  showTheme();
  for (const element of $$(".toast")) arm(element);
  document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  document.body.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));

  /* htmx: a slow answer dims its target, a failed one offers to try again in place. */
  const quiet = (event) => event.detail.requestConfig?.triggeringEvent?.type === "switchboard:changed";
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (quiet(event)) return;
    event.detail.target?.setAttribute("aria-busy", "true");
    document.body.classList.add("busy");
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    event.detail.target?.removeAttribute("aria-busy");
    document.body.classList.remove("busy");
  });
  const failed = (event) => {
    if (quiet(event)) return; // live.js does it
    const { target, requestConfig, xhr } = event.detail;
    if (xhr?.status === 401 || xhr?.status === 403) return location.reload();
    if (requestConfig.verb !== "get") return toast("That did not go through. Nothing was changed.", "bad");
    $(":scope > .refresh-failed", target)?.remove();
    const notice = $("#live-retry-template")?.content.firstElementChild.cloneNode(true);
    if (!notice) return;
    $("button", notice).addEventListener("click", () =>
      htmx.ajax("get", requestConfig.path, { source: requestConfig.elt, target, swap: "outerHTML" }));
    target.prepend(notice);
  };
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:sendError", failed);
  document.body.addEventListener("htmx:timeout", failed);
})();
