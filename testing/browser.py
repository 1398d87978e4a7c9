"""Chromium, driven by Playwright. Tests that use it are skipped without it, unless
`REQUIRE_BROWSER=1` says that skipping is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from testing.servers import Servers

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# How long to wait for what should be there; a busy machine takes its time, and a quiet one loses
# none by it.
expect.set_options(timeout=20_000)


def chromium_path() -> str | None:
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        reason = "Chromium is not installed (apt-get install chromium)."
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright's loop runs in this thread, where Django would refuse to use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visitor:
    """A person at a browser. Collects what the console says: it must stay empty."""

    def __init__(self, context: BrowserContext, servers: Servers) -> None:
        self.page: Page = context.new_page()
        self.servers = servers
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def sign_in(self, slug: str, email: str, password: str, leads_to: str = "/") -> None:
        self.go(slug, "/sign-in/")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", password)
        self.page.click("button.primary")
        self.page.wait_for_url(self.servers.url(slug, leads_to))

    def go(self, slug: str, path: str) -> None:
        self.page.goto(self.servers.url(slug, path))

    def scrolls_sideways(self) -> bool:
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide


@pytest.fixture
def visitor(chromium: Browser, servers: Servers) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield Visitor(context, servers)
    context.close()
