"""Every list of both hosts: what it costs, and that it says which of its states it is in.

Lists are found among the pages of the URL sweep by what they are built with; `testing/many.py` has
to know what a new one lists.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from accounts.actions import invitations
from accounts.models import Role
from config.tests.every_page import ALICE, SAM, page_paths
from config.tests.test_url_sweep import ID, fill
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.many import add_many

PAGING, EMPTY = "components/pagination.html", "components/empty.html"
# There is always one's own entry.
NEVER_EMPTY = ("/settings/users/", "/audit/")


@pytest.fixture
def hosts(world: World, browser_of: ClientFactory) -> dict[str, tuple[CanaryClient, list[str]]]:
    """Who looks at which pages: Alice at Acme's, Sam at the operator's but for the records, which
    operations/tests/test_admin.py looks at."""
    fill(world.acme)
    invited = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    people = world.people
    operators = page_paths("", SAM, world, invited)
    return {
        "acme": (browser_of(people.alice, world.acme), page_paths("acme", ALICE, world, invited)),
        "": (browser_of(people.sam), [path for path in operators if "/admin/" not in path]),
    }


def parts_of(response: Any) -> set[str]:
    """The names of the templates that a page is made of."""
    assert response.status_code == 200
    return {template.name for template in response.templates}


def rows_of(response: Any) -> int:
    return len(re.findall(r"<(?:tr|li|option)\b", response.content.decode()))


def reads(captured: CaptureQueriesContext) -> int:
    """Without what only the clock decides: once a minute a session notes when it was last seen,
    every two seconds the operator's allow list is read anew."""
    queries = [query["sql"].lstrip("(") for query in captured]
    return sum(text.startswith("SELECT") and "allowednetwork" not in text for text in queries)


def measured(client: CanaryClient, paths: list[str]) -> dict[str, tuple[int, int, bool]]:
    """For each page its queries, its rows, and whether it is paged."""
    found = {}
    for path in paths:
        client.get(path)  # fills what is kept in memory
        with CaptureQueriesContext(connections["default"]) as captured:
            response = client.get(path)
        found[path] = (reads(captured), rows_of(response), PAGING in parts_of(response))
    return found


@pytest.mark.parametrize("host", ["acme", ""])
def test_no_page_takes_more_queries_for_more_rows(world: World, hosts: Any, host: str) -> None:
    client, paths = hosts[host]
    add_many(world, range(2))
    few = measured(client, paths)
    add_many(world, range(2, 200))
    many = measured(client, paths)
    assert {path: found[0] for path, found in many.items()} == {
        path: found[0] for path, found in few.items()
    }
    lists = [path for path, (_, _, is_paged) in many.items() if is_paged]
    assert lists
    unfilled = [path for path in lists if many[path][1] < few[path][1] + 20]
    assert unfilled == [], "testing/many.py does not know what these list"


# --- States --------------------------------------------------------------------------------------


def test_every_list_says_that_there_is_nothing_yet(
    world: World, hosts: Any, browser_of: ClientFactory
) -> None:
    alice, paths = hosts["acme"]
    newcomer = browser_of(world.people.charlie, world.globex)
    # What one thing has belongs to its organization: another has no such page.
    shared = [path for path in paths if str(ID) not in path]
    lists = [path for path in shared if PAGING in parts_of(alice.get(path))]
    silent = [path for path in lists if EMPTY not in parts_of(newcomer.get(path))]
    assert set(silent) <= set(NEVER_EMPTY)


@pytest.mark.parametrize("host", ["acme", ""])
def test_every_list_with_a_filter_says_that_nothing_matches(hosts: Any, host: str) -> None:
    client, paths = hosts[host]
    searched = [path for path in paths if re.search(r"<main.* data-search", text_of(client, path))]
    assert searched
    for path in searched:
        response = client.get(path, {"q": "nothing-is-called-this"})
        assert EMPTY in parts_of(response), path
        assert "match" in response.content.decode(), path
        assert "Clear" in response.content.decode(), path


def text_of(client: CanaryClient, path: str) -> str:
    return str(client.get(path).content.decode()).replace("\n", " ")
