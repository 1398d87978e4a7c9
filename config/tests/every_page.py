"""Which pages there are, by the table of the URL sweep, and what a browser finds on one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urljoin, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from django.urls import Resolver404, resolve
from playwright.sync_api import Page, Route, TimeoutError

from accounts.models import Invitation
from config.tests.test_url_sweep import MODELS, expected, path_of
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import World

NOBODY, ALICE, SAM = 0, 2, 6  # columns of the table
URLCONFS = {"acme": "config.urls_organization", "": "config.urls_operator"}
# Answers that are no pages: files, parts of pages, ways to another host.
NO_PAGES = re.compile(
    r"^/branding/|^/calls/find/|^/audit/export/|/download/$|/recording/$|^/switch/.+|^/live-ticket/"
    r"|^/api/|^/admin/jsi18n/|^/dev/mailbox/.+/html/"
)
WIDTHS = (1440, 390, 320)
SERIOUS = ("serious", "critical")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# A theme changes colours and nothing else.
RULES = {"light": STANDARDS, "dark": ["color-contrast", "link-in-text-block"]}
RUN_AXE = "async rules => (await axe.run({runOnly: rules})).violations"
SHIFTED = """() => new Promise(found => {
  let sum = 0;
  const add = list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  };
  new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => setTimeout(() => found(sum)));
})"""
CHANGED = "document.body.dispatchEvent(new CustomEvent('switchboard:changed', {detail: {}}))"
# Those with charts wait half a minute: notifications/tests/test_live_in_browser.py.
LIVE, FAILED = "main [data-live]:not([data-live-every])", ".refresh-failed"
THROTTLE_MS = 1100  # a part is fetched once a second at most
LINKS = """() => [...document.querySelectorAll("a[href]")].map(
  link => new URL(link.getAttribute("href"), location).href.replace(/#.*/, ""))"""


def page_paths(slug: str, column: int, world: World, invitation: Invitation) -> list[str]:
    """The paths of the pages that the column's person gets with 200."""
    rows = expected(URLCONFS[slug])
    paths = [
        path_of(url, world, invitation)
        for url, row in rows.items()
        if row[column] == 200 and _has_record(url)
    ]
    return [path for path in paths if not NO_PAGES.search(path)]


def _has_record(url: str) -> bool:
    found = re.match(r"/admin/(\w+/\w+)/<path:object_id>", url)
    if not found:
        return True
    with platform():
        return MODELS[found[1]]._default_manager.exists()


@dataclass
class Findings:
    """A sentence for everything that is wrong, by kind."""

    axe: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    shifts: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)


class Inspector:
    """Looks at pages of one host, one after the other."""

    def __init__(self, visitor: Visitor, slug: str, findings: Findings) -> None:
        self.visitor, self.page, self.slug = visitor, visitor.page, slug
        self.findings = findings
        self.base = visitor.servers.url(slug, "/")
        self.links: list[str] = []
        self.seen: dict[str, set[str]] = {}
        self.kinds: set[str] = set()
        self.page.on("request", lambda request: self._note_host(request.url))

    def _note_host(self, url: str) -> None:
        hosts = (urlsplit(self.base).hostname, None)  # None: data:
        if urlsplit(url).hostname not in hosts:
            self.findings.elsewhere.append(f"{self.page.url}: {url}")

    def look(self, path: str) -> None:
        """Open a page and note what its console, its status and its links say."""
        self.visitor.complaints.clear()
        answer = self.page.goto(urljoin(self.base, path))
        where = f"{self.slug or 'operator'} {path}"
        self.findings.visited.add(where)
        self._is_new(self.page.url)
        if answer is None or answer.status != 200:
            self.findings.statuses.append(f"{where}: {answer and answer.status}")
        # The admin's pages are Django's: their scripts rearrange them.
        if not path.startswith("/admin/") and (shift := self.page.evaluate(SHIFTED)) > 0.01:
            self.findings.shifts.append(f"{where}: {shift:.3f}")
        self.links += self.page.evaluate(LINKS)
        self.findings.complaints += [f"{where}: {text}" for text in self.visitor.complaints]

    def inspect(self, path: str) -> None:
        """`look`, and at each width in each theme: axe, and whether it scrolls sideways. The
        admin's pages are alike for all models: one of each kind will do."""
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        self.look(path)
        if admin_kind(path) in self.kinds:
            return
        self.kinds |= {admin_kind(path)} - {""}
        self.page.evaluate(AXE_SCRIPT)
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            where = f"{self.slug or 'operator'} {path} at {width}"
            if self.visitor.scrolls_sideways():
                self.findings.sideways.append(where)
            for theme in RULES if width != WIDTHS[-1] else ():
                self.page.emulate_media(color_scheme=cast(Any, theme), reduced_motion="reduce")
                found = violations(self.page, RULES[theme])
                self.findings.axe += [f"{where}, {theme}: {text}" for text in found]

    def show(self, path: str, content: bytes) -> None:
        """`inspect` a page that no address of a sound installation leads to."""
        answer = {"body": content, "content_type": "text/html"}
        self.page.route(urljoin(self.base, path), lambda route: route.fulfill(**answer))
        self.inspect(path)

    def break_refreshes(self, path: str) -> None:
        """Whether the page's live parts say that they could not be brought up to date."""
        self.page.goto(urljoin(self.base, path))
        if self.page.locator(LIVE).count():
            self.page.route("**/*", _fail_partials)
            self.page.wait_for_timeout(THROTTLE_MS)
            self.page.evaluate(CHANGED)
            try:
                self.page.locator(FAILED).first.wait_for(timeout=5_000)
            except TimeoutError:
                self.findings.silent.append(path)
            self.page.unroute("**/*", _fail_partials)

    def follow(self) -> None:
        """Look at what the links of the pages lead to until nothing is new."""
        while self.links:
            link = self.links.pop()
            if link.startswith(self.base) and self._is_new(link):
                self.look(link.removeprefix(self.base.rstrip("/")))

    def _is_new(self, link: str) -> bool:
        """Whether it leads to a view, or carries a parameter, that was not looked at so far."""
        parts = urlsplit(link)
        if NO_PAGES.search(parts.path):
            return False
        try:
            view = resolve(parts.path, URLCONFS[self.slug]).route
        except Resolver404:
            view = parts.path
        names = {"", *parse_qs(parts.query)}
        known = self.seen.setdefault(view, set())
        is_new = not names <= known
        known |= names
        return is_new


def admin_kind(path: str) -> str:
    """`change` of /admin/accounts/user/7/change/, `/` of a list, nothing of all other pages."""
    found = re.fullmatch(r"/admin/\w+/\w+/(?:.+/)?(\w+)/|/admin/\w+/\w+(/)", path)
    return (found[1] or found[2]) if found else ""


def _fail_partials(route: Route) -> None:
    if route.request.headers.get("hx-request"):
        route.fulfill(status=503, body="")
    else:
        route.continue_()


def violations(page: Page, rules: list[str]) -> Iterator[str]:
    for found in page.evaluate(RUN_AXE, rules):
        if found["impact"] in SERIOUS:
            yield f"{found['id']}: {found['nodes'][0]['html'][:160]}"
