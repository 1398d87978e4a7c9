"""What the demo's Retell keeps, and that it answers as the one of the tests does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from agents.retell import Kind, RetellApi, RetellApiError
from operations.demo.retell_api import Key, Shelf, ShelvedRetell, Workspace, make_calls
from testing.retell_api import running

KEY = "key_demo_of_the_shelf"
FIRST = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LAST = FIRST + timedelta(days=1)


@pytest.fixture
def workspace() -> Workspace:
    made = Workspace("org_shelf", "Shelf", {KEY: Key("demo key")})
    made.add_agent("agent_1")
    return made


@pytest.fixture
def shelf(tmp_path: Path, workspace: Workspace) -> Iterator[Shelf]:
    with Shelf(tmp_path / "retell.sqlite3") as opened:
        opened.put(workspace)
        yield opened


@pytest.fixture
def api(shelf: Shelf) -> Iterator[RetellApi]:
    """Over real HTTP, without patience."""
    with (
        running(ShelvedRetell(shelf)) as server,
        RetellApi(KEY, base_url=server.url, patience_seconds=0) as opened,
    ):
        yield opened


def calls_of(workspace: Workspace, count: int) -> list[dict[str, Any]]:
    return make_calls(workspace.agents["agent_1"], count, first=FIRST)


def listed(api: RetellApi) -> list[str]:
    return [item["call_id"] for page in api.calls(FIRST, LAST) for item in page.items]


def test_the_key_says_whose_it_is(api: RetellApi) -> None:
    found = api.workspace()
    assert (found.org_id, found.name, found.key_name) == ("org_shelf", "Shelf", "demo key")


def test_lists_go_on_page_by_page(api: RetellApi, shelf: Shelf, workspace: Workspace) -> None:
    calls = calls_of(workspace, 1_200)
    shelf.tell("org_shelf", calls)
    pages = list(api.calls(FIRST, LAST))
    assert [len(page.items) for page in pages] == [1_000, 200]
    found = [item["call_id"] for page in pages for item in page.items]
    assert found == [call["call_id"] for call in calls]


def test_lists_bring_only_what_began_in_time(
    api: RetellApi, shelf: Shelf, workspace: Workspace
) -> None:
    calls = calls_of(workspace, 10)
    shelf.tell("org_shelf", calls)
    until = FIRST + timedelta(seconds=60)
    found = [item["call_id"] for page in api.calls(FIRST, until) for item in page.items]
    assert found == [call["call_id"] for call in calls[:3]]


def test_transcripts_are_with_single_calls_only(
    api: RetellApi, shelf: Shelf, workspace: Workspace
) -> None:
    (call,) = calls_of(workspace, 1)
    shelf.tell("org_shelf", [call])
    (page,) = api.calls(FIRST, LAST)
    assert "transcript" not in page.items[0]
    assert api.call(call["call_id"])["transcript"] == call["transcript"]


def test_an_event_that_says_less_takes_nothing_away(shelf: Shelf, workspace: Workspace) -> None:
    (call,) = calls_of(workspace, 1)
    ended = {name: value for name, value in call.items() if name != "call_analysis"}
    shelf.tell("org_shelf", [call])
    shelf.tell("org_shelf", [ended, {**ended, "call_status": "ongoing"}])
    assert shelf.call("org_shelf", call["call_id"]) == call


def test_changes_of_agents_outlive_a_restart(api: RetellApi, shelf: Shelf, tmp_path: Path) -> None:
    draft = api.create_agent_draft("agent_1", base_version=0)
    api.set_agent_webhook("agent_1", version=1, url="https://new.example.com", events=None)
    api.publish_agent("agent_1", version=1)
    with Shelf(tmp_path / "retell.sqlite3") as again:
        (found,) = again.workspaces()
    newest = found.agents["agent_1"].latest
    assert draft.version == newest["version"] == 1
    assert (newest["is_published"], newest["webhook_url"]) == (True, "https://new.example.com")


def test_an_outage_is_of_lists_of_calls_and_ends(
    api: RetellApi, shelf: Shelf, workspace: Workspace
) -> None:
    shelf.put(workspace, away_until_ms=int(LAST.timestamp() * 1000) * 2)
    assert api.workspace().org_id == "org_shelf"
    with pytest.raises(RetellApiError) as away:
        listed(api)
    assert away.value.kind is Kind.UNAVAILABLE
    shelf.end_outages()
    assert listed(api) == []


def test_what_another_process_tells_is_answered_at_once(
    api: RetellApi, workspace: Workspace, tmp_path: Path
) -> None:
    assert listed(api) == []
    (call,) = calls_of(workspace, 1)
    with Shelf(tmp_path / "retell.sqlite3") as other:
        other.tell("org_shelf", [call])
    assert listed(api) == [call["call_id"]]


def test_after_clearing_no_key_works(api: RetellApi, shelf: Shelf) -> None:
    shelf.clear()
    with pytest.raises(RetellApiError) as refused:
        api.workspace()
    assert refused.value.kind is Kind.KEY_REFUSED


def test_its_keys_are_readable_by_their_owner_only(shelf: Shelf, tmp_path: Path) -> None:
    modes = {file.stat().st_mode & 0o777 for file in tmp_path.glob("retell.sqlite3*")}
    assert modes == {0o600}


def _open_at_once(path: Path, together: Barrier) -> None:
    together.wait(30)
    with Shelf(path) as shelf:
        shelf.workspaces()


def test_a_new_file_is_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    context = get_context("fork")
    for number in range(15):
        together = context.Barrier(2)
        path = tmp_path / f"{number}.sqlite3"
        running = [context.Process(target=_open_at_once, args=(path, together)) for _ in range(2)]
        for process in running:
            process.start()
        for process in running:
            process.join(60)
        assert [process.exitcode for process in running] == [0, 0]
