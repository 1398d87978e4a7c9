"""How one is called, and how times are shown to one, everywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from agents.models import Agent
from audit.models import Entry
from calls.models import Call
from config import zones
from tenants.pin import organization_context
from tenants.scope import door
from testing.fixtures import CanaryClient, ClientFactory, World

PAGE = "/account/profile/"
ACMES_ZONE = "America/New_York"
OTHER_ZONE = "Pacific/Auckland"


def save(client: CanaryClient, **changed: str) -> Any:
    values = {"name": "Alice", "time_zone": "", "language": "en-us"} | changed
    return client.post(PAGE, values)


def text_of(client: CanaryClient, path: str) -> str:
    return str(client.get(path).content.decode())


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def call(world: World) -> Call:
    """A call of 2025 at 3:30 in the morning of Acme's Nov 3, which is 21:30 in Auckland."""
    at = datetime(2025, 11, 3, 8, 30, tzinfo=UTC)
    with organization_context(world.acme):
        Agent.objects.create(retell_agent_id="agent_1", name="Robin")
        return Call.objects.create(
            retell_call_id="call_1", agent_id="agent_1", started_at=at, sort_at=at
        )


# --- The form ------------------------------------------------------------------------------------


def test_it_is_saved_and_written_down(world: World, alice: CanaryClient) -> None:
    assert save(alice, name="Alice B.", time_zone=OTHER_ZONE, language="en-gb")["Location"] == PAGE
    with door():
        saved = User.objects.get(pk=world.people.alice.pk)
        entry = Entry.objects.get(code="accounts.profile_changed")
    assert (saved.name, saved.time_zone, saved.language) == ("Alice B.", OTHER_ZONE, "en-gb")
    assert entry.changes is not None
    assert entry.changes["time_zone"] == ["", OTHER_ZONE]


def test_what_did_not_change_is_not_written_down(world: World, alice: CanaryClient) -> None:
    save(alice)
    with door():
        assert not Entry.objects.filter(code="accounts.profile_changed").exists()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/London", "Europe/London"),
        (" europe/london ", "Europe/London"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("", ""),
    ],
)
def test_a_zone_is_found_as_people_type_it(
    world: World, alice: CanaryClient, text: str, zone: str
) -> None:
    save(alice, time_zone=text)
    with door():
        assert User.objects.get(pk=world.people.alice.pk).time_zone == zone


@pytest.mark.parametrize(
    "text", ["Mars/Base", "../../etc/passwd", "Europe", "posixrules", "é", "/"]
)
def test_what_is_no_zone_is_refused(alice: CanaryClient, text: str) -> None:
    response = save(alice, time_zone=text)
    assert "no time zone that is known here" in response.content.decode()


@pytest.mark.parametrize(
    "changed",
    [{"name": "a\x00b"}, {"name": "a\nb"}, {"name": "a" * 121}, {"language": "de"},
     {"time_zone": "x" * 100}],
)  # fmt: skip
def test_odd_values_are_refused_without_a_fuss(
    world: World, alice: CanaryClient, changed: dict[str, str]
) -> None:
    assert save(alice, **changed).status_code == 200
    with door():
        assert User.objects.get(pk=world.people.alice.pk).name == "Alice"


def test_an_operator_has_one_too(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.sam)
    assert "Empty for UTC" in text_of(client, PAGE)
    assert save(client, name="Samira")["Location"] == PAGE


def test_the_menu_leads_there(alice: CanaryClient) -> None:
    assert f'href="{PAGE}"' in text_of(alice, "/")


def test_every_listed_zone_exists() -> None:
    assert [str(ZoneInfo(name)) for name in zones.names()] == list(zones.names())


# --- Times ---------------------------------------------------------------------------------------

PAGES_WITH_TIMES = ["/calls/", "/calls/{id}/"]


@pytest.mark.parametrize("path", PAGES_WITH_TIMES)
def test_times_are_in_the_organizations_zone(alice: CanaryClient, call: Call, path: str) -> None:
    page = text_of(alice, path.format(id=call.pk))
    assert "Nov 3, 2025, 3:30 AM" in page
    assert ACMES_ZONE in page or "EST" in page


@pytest.mark.parametrize("path", PAGES_WITH_TIMES)
def test_times_are_in_ones_own_zone_and_named_so(
    alice: CanaryClient, call: Call, path: str
) -> None:
    save(alice, time_zone=OTHER_ZONE)
    page = text_of(alice, path.format(id=call.pk))
    assert "Nov 3, 2025, 9:30 PM" in page
    assert "3:30 AM" not in re.sub(r'title="[^"]*"', "", page)
    assert OTHER_ZONE in page or "NZDT" in page
    shown = re.sub(r'title="[^"]*"', "", page)  # the organization's clock, too, when one hovers
    assert ACMES_ZONE not in shown.replace(f"Time in {ACMES_ZONE}.", "")


@pytest.mark.parametrize("path", PAGES_WITH_TIMES)
def test_times_are_written_as_the_language_does(alice: CanaryClient, call: Call, path: str) -> None:
    save(alice, language="en-gb", time_zone=OTHER_ZONE)
    assert "3 Nov 2025, 21:30" in text_of(alice, path.format(id=call.pk))


def test_numbers_look_the_same_in_both(world: World, alice: CanaryClient, call: Call) -> None:
    with organization_context(world.acme):
        Call.objects.update(latency_p50_ms=1234)
    for language in ("en-us", "en-gb"):
        save(alice, language=language)
        assert "1,234 ms" in text_of(alice, "/calls/")


# Lists with filters of time name it: those are read in it.
@pytest.mark.parametrize("path", ["/agents/", "/deliveries/alerts/"])
def test_a_list_without_filters_of_time_does_not_name_the_organizations_zone(
    alice: CanaryClient, path: str
) -> None:
    save(alice, time_zone=OTHER_ZONE)
    assert ACMES_ZONE not in text_of(alice, path)


# --- Days ----------------------------------------------------------------------------------------


def shown_calls(client: CanaryClient, **filters: str) -> int:
    query = "&".join(f"{key}={value}" for key, value in filters.items())
    return text_of(client, f"/calls/?{query}").count('<tr id="call-')


@pytest.mark.parametrize("zone", ["", OTHER_ZONE])
def test_a_filter_is_read_in_the_organizations_zone(
    alice: CanaryClient, call: Call, zone: str
) -> None:
    save(alice, time_zone=zone)
    assert shown_calls(alice, started_after="2025-11-03T03:30") == 1
    assert shown_calls(alice, started_after="2025-11-03T03:31") == 0
    assert shown_calls(alice, started_before="2025-11-03T03:31") == 1
    assert shown_calls(alice, started_before="2025-11-03T03:30") == 0


def test_a_filter_with_an_offset_means_that_moment(alice: CanaryClient, call: Call) -> None:
    assert shown_calls(alice, started_after="2025-11-03T08:30Z") == 1
    assert shown_calls(alice, started_after="2025-11-03T08:31Z") == 0


def test_a_filter_says_which_zone_it_is_in(alice: CanaryClient, call: Call) -> None:
    save(alice, time_zone=OTHER_ZONE)
    page = text_of(alice, "/calls/?started_after=2025-11-03T03:30")
    assert "<b>Nov 3, 2025, 3:30 AM EST</b>" in page
    assert f"Time in {ACMES_ZONE}." in page


def links_and_charts(page: str) -> list[str]:
    """What the overview counts: links to the calls behind numbers, and charts."""
    content = page.partition("<main")[2].partition("</main>")[0]
    return re.findall(r"/calls/\?started_after=[^\"]*|<svg.*?</svg>", content, re.DOTALL)


def test_days_of_the_overview_are_the_same_for_everybody(
    world: World, alice: CanaryClient, browser_of: ClientFactory, call: Call
) -> None:
    # A moment that is another day in Auckland.
    with organization_context(world.acme):
        Call.objects.update(started_at=timezone.now() - timedelta(hours=20))
    save(alice, time_zone=OTHER_ZONE)
    bob = browser_of(world.people.bob, world.acme)
    mine, theirs = (links_and_charts(text_of(client, "/")) for client in (alice, bob))
    assert mine
    assert mine == theirs


def test_the_overview_names_both_zones(world: World, alice: CanaryClient, call: Call) -> None:
    with organization_context(world.acme):
        Call.objects.update(started_at=timezone.now() - timedelta(minutes=5), status="ended")
    save(alice, time_zone=OTHER_ZONE)
    page = text_of(alice, "/")
    assert f"days in {ACMES_ZONE}" in page
    assert f"times in {OTHER_ZONE}" in page
