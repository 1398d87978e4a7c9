"""Where "complete up to" is shown, and how a comparison is asked for."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import API_KEY_FIELD, Agent, RetellConnection
from calls.models import Call
from completeness.models import (
    Completeness,
    Correction,
    CorrectionKind,
    Run,
    RunKind,
    RunState,
)
from jobs.models import Job
from operations import measuring
from tenants import encryption
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import ClientFactory, World


def connect(organization: Organization, **completeness: Any) -> None:
    with organization_context(organization):
        key = encryption.encrypt("key", organization_id=organization.pk, field=API_KEY_FIELD)
        RetellConnection.objects.update(api_key_encrypted=key)
        Completeness.objects.create(pk=1, **completeness)


def page(world: World, browser_of: ClientFactory, path: str = "/") -> str:
    text: str = browser_of(world.people.bob, world.acme).get(path).content.decode()
    return text


def test_the_overview_says_up_to_when_everything_is_here(
    world: World, browser_of: ClientFactory
) -> None:
    connect(world.acme, complete_until=timezone.now() - timedelta(minutes=12))
    text = page(world, browser_of)
    assert "Complete up to" in text
    assert "may be missing" not in text


def compared(organization: Organization, state: RunState = RunState.DONE) -> None:
    now = timezone.now()
    with organization_context(organization):
        Run.objects.create(
            kind=RunKind.SCHEDULED, state=state, range_from=now, range_until=now,
            listed=210, inserted=3, corrected=1,
        )  # fmt: skip


def test_the_overview_says_what_the_last_comparison_found(
    world: World, browser_of: ClientFactory
) -> None:
    connect(world.acme, complete_until=timezone.now())
    compared(world.acme)
    compared(world.acme, RunState.RUNNING)
    assert "210 listed, 3 brought back, 1 corrected" in page(world, browser_of)


def test_what_failed_counted_nothing(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme, complete_until=timezone.now())
    compared(world.acme, RunState.FAILED)
    assert "listed, " not in page(world, browser_of)
    assert "Last tried" in page(world, browser_of, "/completeness/")


def test_a_gap_is_an_alarm(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme, complete_until=timezone.now() - timedelta(hours=2))
    text = page(world, browser_of)
    assert "Calls may be missing since" in text
    assert 'role="alert"' in text


def test_without_an_api_key_nothing_is_promised(world: World, browser_of: ClientFactory) -> None:
    text = page(world, browser_of)
    assert "Not compared with Retell" in text
    assert "Complete up to" not in text


def test_why_it_failed_stands_on_its_page(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme, problem="Retell does not accept this API key.")
    assert "does not accept this API key" in page(world, browser_of, "/completeness/")


def test_the_page_says_first_how_it_stands(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme, complete_until=timezone.now())
    client = browser_of(world.people.alice, world.acme)
    text = client.get("/completeness/").content.decode()
    assert text.index('id="standing"') < text.index("Compare days") < text.index("Comparisons")


def test_how_it_stands_comes_with_each_refresh(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme, complete_until=timezone.now())
    client = browser_of(world.people.alice, world.acme)
    part = client.get("/completeness/", headers={"HX-Request": "true"}).content.decode()
    assert 'id="standing" hx-swap-oob="true"' in part
    text = client.get("/completeness/").content.decode()
    assert text.count('id="standing"') == 1
    assert "hx-swap-oob" not in text


def test_what_was_corrected_stands_on_the_calls_timeline(
    world: World, browser_of: ClientFactory
) -> None:
    now = timezone.now()
    with organization_context(world.acme):
        call = Call.objects.create(retell_call_id="call_1", status="ended")
        run = Run.objects.create(kind=RunKind.SCHEDULED, range_from=now, range_until=now)
        Correction.objects.create(
            run=run, retell_call_id="call_1", kind=CorrectionKind.CLOSED,
            changes={"status": ["ongoing", "ended"], "from_number": []},
        )  # fmt: skip
    text = page(world, browser_of, f"/calls/{call.pk}/")
    assert "its last webhook never came" in text
    assert "ongoing → ended" in text


def test_an_admin_compares_days(world: World, browser_of: ClientFactory) -> None:
    connect(world.acme)
    alice = browser_of(world.people.alice, world.acme)
    response = alice.post(
        "/completeness/compare/", {"first_day": "2026-11-01", "last_day": "2026-11-02"}
    )
    with organization_context(world.acme):
        job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert job.parameters == {
        "since": "2026-11-01T00:00:00-04:00",  # the day the clocks go back in New York
        "until": "2026-11-03T00:00:00-05:00",
    }


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("2026-11-02", "2026-11-01", "before the first"),
        ("2026-01-01", "2026-11-01", "At most 92 days"),
        ("2199-01-01", "2199-01-02", "Nothing has happened"),
        ("soon", "2026-11-01", "Enter a valid date"),
    ],
)
def test_days_that_make_no_sense_start_nothing(
    world: World, browser_of: ClientFactory, first: str, last: str, reason: str
) -> None:
    connect(world.acme)
    alice = browser_of(world.people.alice, world.acme)
    alice.post("/completeness/compare/", {"first_day": first, "last_day": last})
    text = alice.get("/completeness/").content.decode()
    assert "Nothing was started" in text
    assert reason in text


def test_history_ends_where_it_is_complete_already(world: World, browser_of: ClientFactory) -> None:
    complete_from = timezone.now() - timedelta(days=10)
    connect(world.acme, complete_from=complete_from)
    browser_of(world.people.alice, world.acme).post("/completeness/history/", {"months": "2"})
    with organization_context(world.acme):
        job = Job.objects.get()
    assert job.parameters["until"] == complete_from.isoformat()
    assert job.title == "Fetch 2 months of history from Retell"


def test_a_viewer_starts_nothing(world: World, browser_of: ClientFactory) -> None:
    bob = browser_of(world.people.bob, world.acme)
    assert bob.post("/completeness/history/", {"months": "2"}).status_code == 403
    assert "Fetch history" not in bob.get("/completeness/").content.decode()


# --- The command ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("connected")
def test_the_command_compares_now(in_acme: Organization) -> None:
    out = io.StringIO()
    call_command("reconcile", "acme", "--json", stdout=out)
    assert json.loads(out.getvalue())["state"] == "done"


@pytest.mark.usefixtures("connected")
def test_the_command_fetches_days_and_waits(in_acme: Organization) -> None:
    out = io.StringIO()
    call_command("reconcile", "acme", "--from", "2026-11-01", "--to", "2026-11-02", stdout=out)
    assert out.getvalue().startswith("Done: 0 listed")


def test_the_command_fails_without_an_api_key(world: World) -> None:
    with pytest.raises(CommandError, match="no Retell API key"):
        call_command("reconcile", "acme")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from=2026-11-01"], "both"),
        (["--from=2026-11-02", "--to=2026-11-01"], "before the first"),
        (["--from=2026-01-01", "--to=2026-11-01"], "At most 92 days"),
        (["--months=0"], "greater than or equal to 1"),
        (["--months=25"], "less than or equal to 24"),
        (["--months=3", "--from=2026-11-01", "--to=2026-11-02"], "not both"),
    ],
)
def test_the_command_starts_nothing_that_makes_no_sense(
    in_acme: Organization, arguments: list[str], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("reconcile", "acme", *arguments)
    assert not Job.objects.exists()
    assert not Run.objects.exists()


def test_a_failure_is_one_json_object_too(world: World) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("reconcile", "acme", "--json", stdout=out)
    assert "no Retell API key" in json.loads(out.getvalue())["problem"]


# --- The operator's pages -------------------------------------------------------------------------


def measure(organization: Organization) -> None:
    """As the worker does every two minutes."""
    with organization_context(organization):
        measuring.measure(organization)


@pytest.mark.parametrize(
    ("minutes", "shown", "gap"), [(12, "12 min ago", False), (120, "2 h ago", True)]
)
def test_the_operator_sees_gaps_at_a_glance(
    world: World, browser_of: ClientFactory, minutes: int, shown: str, gap: bool
) -> None:
    connect(world.acme, complete_until=timezone.now() - timedelta(minutes=minutes))
    measure(world.acme)
    text = browser_of(world.people.sam).get("/").content.decode()
    assert shown in text
    assert (">Gap</span>" in text) is gap


def test_the_operator_sees_how_many_findings_there_are(
    world: World, browser_of: ClientFactory
) -> None:
    connect(world.acme, complete_until=timezone.now())
    with organization_context(world.acme):
        RetellConnection.objects.update(api_key_state="refused")
    measure(world.acme)
    sam = browser_of(world.people.sam)
    badge = '<span class="badge bad"><span class="dot bad"></span>1 finding</span>'
    for path in ("/", f"/organizations/{world.acme.pk}/"):
        assert badge in sam.get(path).content.decode()


def test_the_operators_list_costs_as_much_with_many_agents(
    world: World, browser_of: ClientFactory
) -> None:
    connect(world.acme, complete_until=timezone.now())
    sam = browser_of(world.people.sam)
    sam.get("/")
    with CaptureQueriesContext(connection) as few:
        sam.get("/")
    with organization_context(world.acme):
        Agent.objects.bulk_create(Agent(retell_agent_id=f"agent_{n}") for n in range(200))
    with CaptureQueriesContext(connection) as many:
        sam.get("/")
    assert len(many) == len(few)
