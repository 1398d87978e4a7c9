"""Pictures of every page of a running demo, of both hosts, in both themes, wide and narrow.

    python -m bench.screenshots [folder]

Needs `make run` and Chromium. Pages that answer anything but 200, lead elsewhere, say something in
the console or scroll sideways make it fail. `readme-….png` are the four of the README.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from operations.local.folders import Folders
from testing.browser import FLAGS, chromium_path

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "docs" / "screenshots"
MEMBER = "alice@example.com"
OPERATOR = "sam@example.com"
THEMES = ("light", "dark")
SIZES = ((1440, 900), (390, 844))
SETTLE_MS = 400  # curves are drawn, the live connection is there
CALLS = "/calls/?outcome=successful&type=phone_call&min_duration_s=60"

MEMBER_PAGES = {
    "overview": "/?period=30d",
    "now": "/now/",
    "calls": "/calls/",
    "calls-view-new": "/calls/views/new/",
    "chats": "/calls/chats/",
    "agents": "/agents/",
    "exports": "/exports/",
    "export-new": "/exports/new/",
    "export-new-chats": "/exports/new/chats/",
    "deliveries": "/deliveries/",
    "deliveries-replay": "/deliveries/replay/",
    "alerts": "/deliveries/alerts/",
    "completeness": "/completeness/",
    "jobs": "/jobs/",
    "settings": "/settings/",
    "settings-branding": "/settings/branding/",
    "settings-currency": "/settings/currency/",
    "settings-access": "/settings/access/",
    "settings-visits": "/settings/visits/",
    "settings-retell": "/settings/retell/",
    "settings-notices": "/settings/notices/",
    "settings-notices-new": "/settings/notices/new/",
    "settings-retention": "/settings/retention/",
    "settings-api": "/settings/api/",
    "settings-api-key-new": "/settings/api/keys/new/",
    "settings-users": "/settings/users/",
    "settings-users-invite": "/settings/users/invite/",
    "audit": "/audit/",
    "account-profile": "/account/profile/",
    "account-email": "/account/email/",
    "account-password": "/account/password/",
    "account-security": "/account/security/",
    "account-passkey-new": "/account/passkeys/new/",
    "account-sessions": "/account/sessions/",
    "account-leave": "/account/leave/",
    "switch": "/switch/",
}
# Pages that the first row of a list leads to; `{}` is its id.
MEMBER_DETAILS = {
    "call": (CALLS, "/calls/{}/"),
    "chat": ("/calls/chats/", "/calls/chats/{}/"),
    "agent": ("/agents/", "/agents/{}/"),
    "agent-webhook": ("/agents/", "/agents/{}/webhook/"),
    "export": ("/exports/", "/exports/{}/"),
    "delivery": ("/deliveries/", "/deliveries/{}/"),
    "job": ("/jobs/", "/jobs/{}/"),
    "settings-user": ("/settings/users/", "/settings/users/{}/"),
    "calls-view-edit": ("/calls/", "/calls/views/{}/edit/"),
}
# What opens over a page: the page, and the key or the selector that opens it.
OPENED = {
    "open-palette": ("/calls/", "Control+k"),
    "open-shortcuts": ("/", "?"),
    "open-filter": (CALLS, ".filters summary"),
    "open-organizations": ("/calls/", ".org-menu summary"),
    "open-account": ("/calls/", ".sidebar-foot summary"),
    "open-ticked": ("/calls/", "td.pick input"),
}
OPERATOR_PAGES = {
    "operator-organizations": "/",
    "operator-organization-new": "/organizations/new/",
    "operator-system": "/system/",
    "operator-backups": "/backups/",
    "operator-audit": "/audit/",
    "operator-readiness": "/readiness/",
    "operator-readiness-item": "/readiness/load-test/",
    "operator-api": "/settings/api/",
    "operator-api-key-new": "/settings/api/keys/new/",
    "operator-admin": "/admin/",
    "operator-account-profile": "/account/profile/",
    "operator-account-email": "/account/email/",
    "operator-account-password": "/account/password/",
    "operator-account-security": "/account/security/",
    "operator-account-passkey-new": "/account/passkeys/new/",
    "operator-account-sessions": "/account/sessions/",
    "operator-mailbox": "/dev/mailbox/",
    "operator-switch": "/switch/",
}
OPERATOR_DETAILS = {
    "operator-organization": ("/", "/organizations/{}/"),
    "operator-setup": ("/", "/organizations/{}/setup/"),
}
GUEST_PAGES = {"sign-in": "/sign-in/", "forgotten": "/forgotten/", "nothing": "/nothing/"}
STATUSES = {"/nothing/": 404}  # all others answer 200
# What the demo has none of is made by the form at its page; a view gets this name.
VIEW = "Booked"
MADE = {"export": "/exports/new/", "calls-view-edit": f"/calls/views/new/?{urlsplit(CALLS).query}"}
# What of the wide pictures the README shows: the name there, theme, height, name here.
README = (
    ("overview", "light", 1280, "readme-overview"),
    ("call", "light", 1060, "readme-call"),
    ("calls", "dark", 900, "readme-calls"),
    ("operator-organizations", "light", 520, "readme-operator"),
)
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _code() -> str:
    command = [sys.executable, "manage.py", "totp_code", "--email", OPERATOR]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass
class Person:
    """Whose pages they are; signs in once, because a code works once."""

    prefix: str
    sign_in: dict[str, str]
    pages: dict[str, str]
    details: dict[str, tuple[str, str]]
    state: Any = None
    second_step: Any = None  # with the password given and not yet the code

    @property
    def base(self) -> str:
        return self.sign_in["url"]

    def enter(self, browser: Browser) -> None:
        page = browser.new_page()
        page.goto(self.base + "/sign-in/")
        page.fill("[name=email]", self.sign_in["email"])
        page.fill("[name=password]", self.sign_in["password"])
        page.click("button.primary")
        if "/code/" in page.url:
            self.second_step = page.context.storage_state()
            page.fill("[name=code]", _code())
            page.click("button.primary")
        page.wait_for_url(self.base + "/")
        self._learn_paths(page)
        self.state = page.context.storage_state()
        page.context.close()

    def _learn_paths(self, page: Page) -> None:
        for name, (within, pattern) in self.details.items():
            page.goto(self.base + within)
            if name in MADE and _first_id(page, pattern) is None:
                self._make(page, within, MADE[name])
            found = _first_id(page, pattern)
            if found is None:
                sys.stderr.write(f"{within} has no row, so there is no picture of {name}.\n")
            else:
                self.pages[name] = pattern.format(found)

    def _make(self, page: Page, within: str, form: str) -> None:
        """Send the form, if an earlier run did not, and go to where what it makes is linked."""
        made = page.get_by_role("link", name=VIEW, exact=True)
        if made.count():
            made.click()
            return
        page.goto(self.base + form)
        for field in page.locator("main input[name=name]").all():
            field.fill(VIEW)
        page.click("main form button.primary")
        if page.get_by_role("link", name=VIEW, exact=True).count() == 0:
            page.goto(self.base + within)


def _first_id(page: Page, pattern: str) -> str | None:
    """Of the first link of a list, to the pattern's page or to one above it."""
    start, _, end = pattern.partition("{}")
    links = page.locator("main a[href]").evaluate_all("all => all.map(a => a.pathname)")
    for link in links:
        if found := re.fullmatch(rf"{start}({_ID})/", link) or re.fullmatch(
            rf"{start}({_ID}){end}", link
        ):
            return found[1]
    return None


class Photographer:
    """One browser window; collects what is wrong."""

    def __init__(self, browser: Browser, folder: Path, theme: Any, size: tuple[int, int]) -> None:
        self.folder, self.theme, self.size = folder, theme, size
        self.browser = browser
        self.faults: list[str] = []
        self._at = ""

    def take_all(
        self, base: str, pages: dict[str, str], state: Any = None, *, opened: bool = False
    ) -> None:
        viewport: Any = {"width": self.size[0], "height": self.size[1]}
        context = self.browser.new_context(
            viewport=viewport, color_scheme=self.theme, storage_state=state
        )
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._blame(str(error)))
        for name, path in pages.items():
            self._take(page, name, base, path)
        for name, (path, opener) in OPENED.items() if opened else ():
            self._take_opened(page, name, base + path, opener)
        context.close()

    def _take_opened(self, page: Page, name: str, url: str, opener: str) -> None:
        self._at = name
        page.goto(url)
        if opener.startswith((".", "td")):
            found = page.locator(opener).first
            if not found.is_visible():
                page.click(".menu-button")  # a narrow window: it stands in the drawer
            found.click()
        else:
            page.keyboard.press(opener)
        page.wait_for_timeout(SETTLE_MS)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self._blame("scrolls sideways")
        page.screenshot(path=self.folder / f"{name}-{self.theme}-{self.size[0]}.png")

    def _hear(self, message: ConsoleMessage) -> None:
        is_expected = self._at in STATUSES and str(STATUSES[self._at]) in message.text
        if message.type in ("error", "warning") and not is_expected:
            self._blame(f"{message.text} {message.location.get('url', '')}")

    def _blame(self, what: str) -> None:
        self.faults.append(f"{self._at} ({self.theme}, {self.size[0]}): {what}")

    def _take(self, page: Page, name: str, base: str, path: str) -> None:
        self._at = path
        answer = page.goto(base + path)
        if answer is None or answer.status != STATUSES.get(path, 200):
            self._blame(f"answered {answer and answer.status}")
        if urlsplit(page.url).path != urlsplit(path).path:
            self._blame(f"led to {page.url}")
        page.wait_for_timeout(SETTLE_MS)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self._blame("scrolls sideways")
        self._show_in_readme(page, name)
        file = self.folder / f"{name}-{self.theme}-{self.size[0]}.png"
        page.screenshot(path=file, full_page=True)

    def _show_in_readme(self, page: Page, name: str) -> None:
        width, height = self.size
        for source, theme, shown, target in README:
            if (source, theme, SIZES[0]) == (name, self.theme, self.size):
                page.set_viewport_size({"width": width, "height": shown})
                page.wait_for_timeout(SETTLE_MS)
                file = self.folder / f"{target}.png"
                page.screenshot(path=file)
                _make_small(file)
                page.set_viewport_size({"width": width, "height": height})


def _make_small(file: Path) -> None:
    """Nothing is seen through, and Chromium packs in a hurry."""
    with Image.open(file) as picture:
        opaque = picture.convert("RGB")
    opaque.save(file, optimize=True)


def _shoot(browser: Browser, folder: Path) -> Iterator[str]:
    rows = {row["email"]: row for row in json.loads(Folders.for_run().demo.read_text())}
    people = (
        Person("", rows[MEMBER], dict(MEMBER_PAGES), MEMBER_DETAILS),
        Person("operator-", rows[OPERATOR], dict(OPERATOR_PAGES), OPERATOR_DETAILS),
    )
    for person in people:
        person.enter(browser)
    for theme in THEMES:
        for size in SIZES:
            photographer = Photographer(browser, folder, theme, size)
            for person in people:
                is_member = not person.prefix
                photographer.take_all(person.base, person.pages, person.state, opened=is_member)
                guest = {person.prefix + name: path for name, path in GUEST_PAGES.items()}
                photographer.take_all(person.base, guest)
                if person.second_step:
                    code = {"sign-in-code": "/sign-in/code/"}
                    photographer.take_all(person.base, code, person.second_step)
            yield from photographer.faults


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = chromium_path()
    if path is None:
        sys.exit("Chromium is not installed (apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        faults = list(_shoot(browser, folder))
        browser.close()
    if faults:
        sys.exit("\n".join(faults))
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main()
