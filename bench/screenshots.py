"""Pictures of the main pages of a running demo, in both themes, wide and narrow.

    python -m bench.screenshots [folder]

Needs `make run` and Chromium. Pages that answer anything but 200, say something in the console or
scroll sideways make it fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from operations.local.folders import Folders
from testing.browser import FLAGS, chromium_path

REPOSITORY = Path(__file__).resolve().parent.parent
MEMBER = "alice@example.com"
OPERATOR = "sam@example.com"
SIZES = ((1440, 1000), (390, 844))
MEMBER_PAGES = {
    "overview": "/?period=30d",
    "calls": "/calls/",
    "chats": "/calls/chats/",
    "agents": "/agents/",
    "deliveries": "/deliveries/",
    "alerts": "/deliveries/alerts/",
    "audit": "/audit/",
}
OPERATOR_PAGES = {"organizations": "/", "new-organization": "/organizations/new/"}
# A list, and the picture of what its first row leads to.
DETAILS = {"call": "/calls/?outcome=successful", "delivery": "/deliveries/", "agent": "/agents/"}


def sign_ins() -> dict[str, dict[str, str]]:
    rows = json.loads(Folders.for_run().demo.read_text())
    return {row["email"]: row for row in rows}


def code() -> str:
    command = [sys.executable, "manage.py", "totp_code", "--email", OPERATOR]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Photographer:
    """One person in one browser window; collects what is wrong."""

    def __init__(self, browser: Browser, folder: Path, theme: Any, size: tuple[int, int]) -> None:
        self.folder, self.name = folder, f"{theme}-{size[0]}"
        viewport: Any = {"width": size[0], "height": size[1]}
        self.page: Page = browser.new_context(viewport=viewport, color_scheme=theme).new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))

    def sign_in(self, person: dict[str, str]) -> None:
        self.base = person["url"]
        self.page.goto(self.base + "/sign-in/")
        self.page.fill("[name=email]", person["email"])
        self.page.fill("[name=password]", person["password"])
        self.page.click("button.primary")
        if "/code/" in self.page.url:
            self.page.fill("[name=code]", code())
            self.page.click("button.primary")

    def take(self, name: str, path: str) -> None:
        answer = self.page.goto(self.base + path)
        if answer is None or answer.status != 200:
            self.faults.append(f"{path}: {answer and answer.status}")
        self.page.wait_for_timeout(400)
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.faults.append(f"{path} scrolls sideways at {self.name}")
        self.page.screenshot(path=self.folder / f"{name}-{self.name}.png", full_page=True)

    def take_first_of(self, name: str, path: str) -> None:
        self.page.goto(self.base + path)
        link = self.page.locator("a.row-link").first.get_attribute("href")
        self.take(name, str(link))


def _shoot(browser: Browser, folder: Path) -> Iterator[str]:
    people = sign_ins()
    for theme in ("light", "dark"):
        for size in SIZES:
            member = Photographer(browser, folder, theme, size)
            member.sign_in(people[MEMBER])
            for name, path in MEMBER_PAGES.items():
                member.take(name, path)
            for name, path in DETAILS.items():
                member.take_first_of(name, path)
            yield from member.faults
    operator = Photographer(browser, folder, "light", SIZES[0])
    operator.sign_in(people[OPERATOR])
    for name, path in OPERATOR_PAGES.items():
        operator.take(name, path)
    yield from operator.faults


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "screenshots"
    folder.mkdir(exist_ok=True)
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
