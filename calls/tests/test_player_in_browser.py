"""A recording that is really played: Chromium, real servers, a real WAV from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from audit.models import Entry
from calls.models import Call
from tenants.pin import organization_context
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World
from testing.recordings import recordings_host, tone

pytestmark = pytest.mark.browser

SECONDS = 40
WORDS = ("Thanks for calling", "Is Thursday still free", "Let me look", "Thursday at nine")


@pytest.fixture(scope="module")
def cdn() -> Iterator[Any]:
    with recordings_host(tone(SECONDS)) as server:
        yield server


def turns() -> list[dict[str, Any]]:
    """A turn every ten seconds, each of two seconds."""
    found: list[dict[str, Any]] = [
        {
            "role": "user" if number % 2 else "agent",
            "content": text,
            "words": [{"word": text, "start": number * 10 + 0.5, "end": number * 10 + 2.5}],
        }
        for number, text in enumerate(WORDS)
    ]
    tool = {"role": "tool_call_invocation", "tool_call_id": "t", "name": "book",
            "arguments": '{"room": "blue"}'}  # fmt: skip
    return [*found, tool]


@pytest.fixture
def call(committed: World, cdn: Any) -> Call:
    with organization_context(committed.acme):
        return Call.objects.create(
            retell_call_id="call_1", status="ended", duration_ms=SECONDS * 1000,
            transcript_entries=turns(), details={"recording_url": f"{cdn.url}/a.wav"},
        )  # fmt: skip


@pytest.fixture
def at_call(call: Call, visitor: Visitor) -> Visitor:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    visitor.go("acme", call.get_absolute_url())
    return visitor


def seconds(visitor: Visitor) -> float:
    at: float = visitor.page.evaluate("document.querySelector('audio').currentTime")
    return at


def is_playing(visitor: Visitor) -> bool:
    paused: bool = visitor.page.evaluate("document.querySelector('audio').paused")
    return not paused


def now(visitor: Visitor) -> Locator:
    return visitor.page.locator("[data-now]")


def button(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("button", name=name, exact=True)


def test_it_plays_and_the_log_says_so(at_call: Visitor, committed: World) -> None:
    button(at_call, "Play").click()
    expect(now(at_call)).to_have_text("0:01", timeout=10_000)
    expect(at_call.page.locator("#turn-1")).to_have_attribute("aria-current", "true")
    button(at_call, "Pause").click()
    assert not is_playing(at_call)
    assert at_call.complaints == []
    with organization_context(committed.acme):
        assert Entry.objects.filter(code="calls.listened").count() == 1


def test_the_time_of_a_turn_plays_from_there_and_keeps_it_in_view(at_call: Visitor) -> None:
    at_call.page.set_viewport_size({"width": 900, "height": 500})
    at_call.page.locator("#turn-3 a.at").click()
    expect(now(at_call)).to_have_text("0:21", timeout=10_000)
    row = at_call.page.locator("#turn-3")
    expect(row).to_have_attribute("aria-current", "true")
    expect(row).to_be_in_viewport(ratio=1)
    assert at_call.page.url.endswith("#turn-3")


def test_only_the_bytes_after_the_place_are_fetched(at_call: Visitor, cdn: Any) -> None:
    cdn.asked.clear()
    at_call.page.locator("#turn-4 a.at").click()
    expect(now(at_call)).to_have_text("0:31", timeout=10_000)
    assert cdn.asked
    assert all(asked and re.fullmatch(r"bytes=\d+-\d*", asked) for asked in cdn.asked)


def test_keys_play_and_seek_while_focus_is_in_the_player(at_call: Visitor) -> None:
    bar = at_call.page.get_by_label("Position in the recording")
    bar.focus()
    at_call.page.keyboard.press("ArrowRight")
    at_call.page.keyboard.press("ArrowRight")
    at_call.page.keyboard.press("ArrowLeft")
    expect(now(at_call)).to_have_text("0:10")
    expect(bar).to_have_attribute("aria-valuetext", "0:10 of 0:40")
    at_call.page.keyboard.press("Space")
    expect(now(at_call)).to_have_text("0:11", timeout=10_000)
    at_call.page.keyboard.press("Space")
    expect(button(at_call, "Play")).to_be_visible()


def test_buttons_jump_and_speed_changes(at_call: Visitor) -> None:
    button(at_call, "Forward 10 seconds").click()
    button(at_call, "Forward 10 seconds").click()
    button(at_call, "Back 10 seconds").click()
    assert seconds(at_call) == pytest.approx(10)
    at_call.page.get_by_label("Speed").select_option("2")
    assert at_call.page.evaluate("document.querySelector('audio').playbackRate") == 2


def test_silence_is_skipped(at_call: Visitor) -> None:
    button(at_call, "Skip silence").click()
    at_call.page.locator("#turn-2 a.at").click()
    expect(at_call.page.locator("#turn-3")).to_have_attribute("aria-current", "true", timeout=8_000)
    assert seconds(at_call) >= 20


def test_a_link_to_a_turn_starts_there(at_call: Visitor, call: Call) -> None:
    at_call.go("acme", "/calls/")
    at_call.go("acme", f"{call.get_absolute_url()}#turn-3")
    expect(now(at_call)).to_have_text("0:20")


def test_what_cannot_be_had_says_why_and_is_tried_again(
    at_call: Visitor, committed: World, cdn: Any
) -> None:
    with organization_context(committed.acme):
        gone = Call.objects.create(
            retell_call_id="call_2", status="ended", duration_ms=5_000,
            details={"recording_url": f"{cdn.url}/gone.wav"},
        )  # fmt: skip
    at_call.go("acme", gone.get_absolute_url())
    button(at_call, "Play").click()
    trouble = at_call.page.get_by_role("alert")
    expect(trouble).to_contain_text("Retell has no recording of this call, or has deleted it.")
    with organization_context(committed.acme):
        Call.objects.filter(pk=gone.pk).update(details={"recording_url": f"{cdn.url}/b.wav"})
    at_call.page.wait_for_timeout(200)
    button(at_call, "Try again").click()
    expect(trouble).to_be_visible()  # the link is kept for a minute; the sentence comes again


def test_words_are_found_one_after_the_other(at_call: Visitor) -> None:
    at_call.page.get_by_label("Find in transcript").fill("thursday")
    found = at_call.page.locator("[data-found]")
    expect(found).to_have_text("1 / 2")
    at_call.page.keyboard.press("Enter")
    expect(found).to_have_text("2 / 2")
    expect(at_call.page.locator("#turn-4 mark.now")).to_be_visible()
    button(at_call, "Next match").click()
    expect(found).to_have_text("1 / 2")


def test_finding_opens_the_tool_that_holds_it(at_call: Visitor) -> None:
    at_call.page.get_by_label("Find in transcript").fill("blue")
    expect(at_call.page.locator("[data-found]")).to_have_text("1 / 1")
    at_call.page.keyboard.press("Enter")
    expect(at_call.page.locator(".tool mark.now")).to_be_visible()


def test_the_transcript_is_copied_as_lines(at_call: Visitor) -> None:
    at_call.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button(at_call, "Copy all of it").click()
    expect(at_call.page.get_by_text("Copied")).to_be_visible()
    copied = at_call.page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[1] == "0:10  Caller: Is Thursday still free"


def test_paper_shows_tools_unfolded_and_no_controls(at_call: Visitor) -> None:
    at_call.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    at_call.page.emulate_media(media="print")
    expect(at_call.page.get_by_text('"room": "blue"')).to_be_visible()
    expect(at_call.page.locator(".player, .sidebar, .topbar").first).to_be_hidden()
    expect(at_call.page.get_by_text("times in America/New_York")).to_be_visible()
