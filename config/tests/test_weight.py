"""What a first visit weighs: scripts, styles, the font and the page itself, as they travel."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders

from calls.tests.records import make_call
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World

SCRIPT_AND_STYLE, PAGE, EVERYTHING = 40_000, 30_000, 100_000
LOADED = re.compile(r'<(?:script|link rel="(?:stylesheet|preload)")[^>]*="/static/([^"]+)"')
# The pages that load most: charts, a list of fifty, a player with its transcript.
PAGES = ("/", "/calls/", "the call")


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def call_path(world: World) -> str:
    """Of the newest of sixty calls, which says two hundred sentences."""
    turns = [{"role": "agent", "content": f"Sentence {turn} of what was said there.",
              "words": [{"word": "Sentence", "start": turn, "end": turn + 1}]}
             for turn in range(200)]  # fmt: skip
    with organization_context(world.acme):
        for number in range(60):
            call = make_call(
                f"call_{number}", from_number=f"+1415555{number:04d}", direction="inbound",
                duration_ms=60_000, cost_cents=12, transcript_entries=turns,
            )  # fmt: skip
        return str(call.get_absolute_url())


def weight(name: str) -> int:
    """Of a static file as it travels: fonts are packed already."""
    content = Path(str(finders.find(name))).read_bytes()
    return len(content) if name.endswith(".woff2") else len(brotli.compress(content))


@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_is_light(alice: CanaryClient, call_path: str, path: str) -> None:
    page = alice.get(path if path.startswith("/") else call_path).content
    files = {name: weight(name) for name in LOADED.findall(page.decode())}
    code = sum(size for name, size in files.items() if name.endswith((".js", ".css")))
    html = len(gzip.compress(page))
    assert len(files) > 5
    assert code <= SCRIPT_AND_STYLE, files
    assert html <= PAGE
    assert sum(files.values()) + html <= EVERYTHING
