"""Agents here are what Retell lists; what was read is kept when the rest fails."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from agents import jobs as agents_jobs
from agents.actions import note_agent, rename_agent
from agents.connection.actions.api_key import connect
from agents.connection.keys import check_key
from agents.models import Agent, AgentStatus, RetellConnection
from agents.sync import READ_AGAIN_AFTER
from agents.tasks import sync_one, sync_when_connected
from agents.tests.conftest import Make
from jobs import actions as jobs
from jobs.models import Job, JobState
from operations.demo.retell_api import Request, RetellServer
from operations.demo.retell_api.server import Handler
from tenants.models import Organization
from tenants.scope import platform
from testing.fixtures import World
from testing.retell import body_of, receive
from testing.retell_api import API_KEYS, FaultyRetell, status


def as_planned(server: FaultyRetell, handler: Handler, request: Request) -> None:
    """The right answer, before one that fails."""
    RetellServer.handle(server, handler, request)


def test_what_retell_says_of_an_agent_is_kept(make: Make, own_url: str) -> None:
    _, agent = make(
        name="Front Desk",
        webhook_url=own_url,
        webhook_events=["call_ended"],
        data_storage_setting="everything_except_pii",
        data_storage_retention_days=30,
        opt_in_signed_url=True,
        signed_url_expiration_ms=3_600_000,
    )
    facts = agent.live_facts
    assert facts is not None
    assert (agent.retell_name, agent.channel, agent.status) == ("Front Desk", "voice", "live")
    assert (facts.events, facts.storage) == (("call_ended",), "everything_except_pii")
    assert (facts.retention_days, agent.retention_days) == (30, 30)
    assert (facts.opt_in_signed_url, facts.signed_url_expiration_ms) == (True, 3_600_000)


def test_no_token_of_a_webhook_url_is_stored(make: Make, own_url: str) -> None:
    make(webhook_url=own_url)
    make("agent_2", webhook_url="https://hooks.example.com/secret-path?key=secret-query")
    stored = json.dumps(list(Agent.objects.values_list("versions", flat=True)))
    assert own_url.rstrip("/").rpartition("/")[2] not in stored
    assert "secret" not in stored
    assert "https://hooks.example.com/" in stored


def test_a_draft_above_a_published_version_is_told_from_it(
    make: Make, in_acme: Organization
) -> None:
    fake, agent = make(webhook_url="https://a.example.com")
    fake.branch(0, 1_795_000_100_000).update(webhook_url="https://b.example.com")
    sync_one(in_acme)
    agent = Agent.objects.get()
    assert agent.published_version
    assert agent.published_version.number == 0
    assert agent.draft_version
    assert agent.draft_version.number == 1
    assert agent.live_facts
    assert agent.live_facts.webhook.host == "a.example.com"


def test_an_agent_that_was_never_published_is_a_draft(make: Make) -> None:
    _, agent = make(published=False)
    assert agent.status == AgentStatus.DRAFT


def test_versions_that_tags_point_at_are_read(make: Make, in_acme: Organization) -> None:
    fake, _ = make(webhook_url="https://a.example.com")
    fake.branch(0, 1_795_000_100_000).update(webhook_url="", is_published=True)
    fake.tags = {"prod": 0}
    sync_one(in_acme)
    agent = Agent.objects.get()
    facts = {version.number: version.facts for version in agent.version_list}
    assert agent.tags == {"prod": 0}
    assert facts[0] is not None
    assert facts[0].webhook.host == "a.example.com"


def test_a_tag_that_is_moved_changes_no_time_and_is_seen(make: Make, in_acme: Organization) -> None:
    fake, _ = make(webhook_url="https://a.example.com")
    fake.branch(0, 1_795_000_100_000)["is_published"] = True
    sync_one(in_acme)
    fake.tags = {"prod": 0}
    outcome = sync_one(in_acme)
    assert outcome
    assert outcome.read == 1


def test_only_what_changed_is_read_again(
    make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    make()
    fake, _ = make("agent_2")
    fake.latest["last_modification_timestamp"] += 1
    connected.requests.clear()
    outcome = sync_one(in_acme)
    assert outcome
    assert (outcome.listed, outcome.read) == (2, 1)
    assert [r.path for r in connected.asked("/get-agent/")] == ["/get-agent/agent_2"]


def test_versions_are_listed_only_where_the_newest_does_not_tell_which_is_live(
    make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    fake, _ = make()
    assert connected.asked("/list-agent-versions/") == []
    fake.branch(0, 1_795_000_100_000)
    sync_one(in_acme)
    assert len(connected.asked("/list-agent-versions/")) == 1


def test_a_draft_that_was_overtaken_and_published_is_no_draft_any_more(
    make: Make, in_acme: Organization
) -> None:
    fake, _ = make()
    fake.branch(0, 1_795_000_100_000)
    sync_one(in_acme)
    fake.publish(1)
    fake.branch(1, 1_795_000_200_000)["is_published"] = True
    sync_one(in_acme)
    versions = Agent.objects.get().version_list
    assert [(v.number, v.is_published) for v in versions] == [(2, True), (1, True), (0, True)]


def test_after_a_day_settings_are_read_again(make: Make, in_acme: Organization) -> None:
    make()
    Agent.objects.update(synced_at=timezone.now() - READ_AGAIN_AFTER - timedelta(minutes=1))
    outcome = sync_one(in_acme)
    assert outcome
    assert outcome.read == 1


def test_publishing_that_changes_no_time_is_seen_within_a_day(
    make: Make, in_acme: Organization
) -> None:
    fake, _ = make(published=False)
    fake.publish(0)
    Agent.objects.update(synced_at=timezone.now() - READ_AGAIN_AFTER - timedelta(minutes=1))
    sync_one(in_acme)
    assert Agent.objects.get().status == AgentStatus.LIVE


def test_chat_agents_are_read_as_such(make: Make) -> None:
    _, agent = make(channel="chat", webhook_events=["chat_ended"])
    assert agent.channel == "chat"
    assert agent.live_facts
    assert agent.live_facts.events == ("chat_ended",)


def test_agents_of_later_pages_are_read(connected: FaultyRetell, in_acme: Organization) -> None:
    for number in range(1_003):
        connected.acme.add_agent(f"agent_{number}")
    connected.fail(status(401), path="/get-agent/")  # settings are not the point
    sync_one(in_acme)
    assert Agent.objects.count() == 1_003
    assert len(connected.asked("/v2/list-agents")) == 2


# --- Gone and back -------------------------------------------------------------------------------


def test_an_agent_that_is_not_listed_any_more_is_marked(
    world: World, make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    receive(world, body_of("call_ended", agent_id="agent_1"))
    make()
    connected.acme.agents.clear()
    outcome = sync_one(in_acme)
    agent = Agent.objects.get()
    assert outcome
    assert outcome.gone == 1
    assert (agent.status, agent.calls.count()) == (AgentStatus.GONE, 1)


def test_it_is_back_when_it_is_listed_again(
    make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    make()
    away = dict(connected.acme.agents)
    connected.acme.agents.clear()
    sync_one(in_acme)
    connected.acme.agents.update(away)
    outcome = sync_one(in_acme)
    assert outcome
    assert outcome.back == 1
    assert Agent.objects.get().status == AgentStatus.LIVE


def test_half_a_list_takes_nothing_for_gone(
    make: Make, in_acme: Organization, connected: FaultyRetell
) -> None:
    for number in range(1_001):
        connected.acme.add_agent(f"agent_{number}")
    Agent.objects.create(retell_agent_id="agent_1000")

    connected.fail(as_planned, path="/v2/list-agents")
    connected.fail(status(403), path="/v2/list-agents")
    assert sync_one(in_acme) is None
    assert Agent.objects.count() == 1_001  # what was read is kept
    assert not Agent.objects.exclude(gone_at=None).exists()


# --- Failures ------------------------------------------------------------------------------------


def test_a_failure_says_why_and_keeps_what_was_read(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    connected.acme.add_agent("agent_1")
    connected.acme.add_agent("agent_2")
    connected.fail(status(401), path="/get-agent/agent_2")
    assert sync_one(in_acme) is None
    connection = RetellConnection.objects.get()
    assert "does not accept this API key" in connection.agents_problem
    assert connection.agents_synced_at is None
    assert list(Agent.objects.exclude(synced_at=None).values_list("retell_agent_id")) == [
        ("agent_1",)
    ]


def test_one_agent_that_cannot_be_read_stops_no_other(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    connected.acme.add_agent("agent_1")
    connected.acme.add_agent("agent_2")
    connected.fail(status(422), path="/get-agent/agent_1")
    outcome = sync_one(in_acme)
    assert outcome
    assert (outcome.read, outcome.unreadable) == (1, 1)


def test_the_next_good_sync_takes_the_problem_back(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    RetellConnection.objects.update(agents_problem="Retell did not answer.")
    sync_one(in_acme)
    connection = RetellConnection.objects.get()
    assert connection.agents_problem == ""
    assert connection.agents_synced_at is not None


def test_without_an_api_key_nothing_happens(in_acme: Organization) -> None:
    assert sync_one(in_acme) is None


# --- Names ---------------------------------------------------------------------------------------


def test_a_rename_in_retell_reaches_its_name_there(make: Make, in_acme: Organization) -> None:
    fake, _ = make(name="Old")
    fake.latest["agent_name"] = "New"
    sync_one(in_acme)
    assert Agent.objects.get().display_name == "New"


def test_a_name_typed_here_wins_until_it_is_reset(make: Make, in_acme: Organization) -> None:
    fake, agent = make(name="Theirs")
    rename_agent(agent, name="Ours")
    fake.latest["agent_name"] = "Theirs, new"
    sync_one(in_acme)
    agent = Agent.objects.get()
    assert agent.display_name == "Ours"
    rename_agent(agent, name="")
    assert agent.display_name == "Theirs, new"


@pytest.mark.parametrize(("minutes_later", "name"), [(-5, "Synced"), (5, "Renamed")])
def test_an_event_renames_only_if_its_call_began_after_the_sync(
    world: World, make: Make, minutes_later: int, name: str
) -> None:
    make(name="Synced")
    start = timezone.now() + timedelta(minutes=minutes_later)
    receive(
        world,
        body_of(
            "call_started",
            agent_id="agent_1",
            agent_name="Renamed",
            start_timestamp=int(start.timestamp() * 1000),
        ),
    )
    assert Agent.objects.get().retell_name == name


@pytest.mark.parametrize(("minutes", "name"), [(-5, "First"), (5, "Second"), (None, "First")])
def test_of_two_names_the_one_of_the_later_call_stays(
    in_acme: Organization, minutes: int | None, name: str
) -> None:
    now = timezone.now()
    note_agent("agent_1", "First", said_at=now)
    said_at = None if minutes is None else now + timedelta(minutes=minutes)
    note_agent("agent_1", "Second", said_at=said_at)
    assert Agent.objects.get().retell_name == name


# --- On demand -----------------------------------------------------------------------------------


def test_the_job_counts_what_it_read(in_acme: Organization, connected: FaultyRetell) -> None:
    connected.acme.add_agent("agent_1")
    job = agents_jobs.sync_soon(in_acme)
    jobs.run(in_acme, job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.counts["new"]) == (JobState.DONE, 1, 1, 1)


def test_asking_twice_starts_one_job(in_acme: Organization, connected: FaultyRetell) -> None:
    first = agents_jobs.sync_soon(in_acme)
    assert agents_jobs.sync_soon(in_acme) == first
    assert Job.objects.count() == 1


def test_the_command_tells_counts_and_findings(
    in_acme: Organization, connected: FaultyRetell
) -> None:
    connected.acme.add_agent("agent_1", webhook_url="https://elsewhere.example.com/x")
    output = io.StringIO()
    call_command("sync_agents", "acme", "--json", stdout=output)
    told = json.loads(output.getvalue())
    assert (told["listed"], told["read"]) == (1, 1)
    (finding,) = told["findings"]
    assert finding["code"] == "bypass"
    assert finding["cost"].startswith("Its calls are not stored")
    assert finding["remedy"].startswith("Set this organization's URL")


def test_the_command_fails_in_a_sentence(in_acme: Organization, connected: FaultyRetell) -> None:
    connected.fail(status(401))
    with pytest.raises(CommandError, match="does not accept this API key"):
        call_command("sync_agents", "acme")


def test_a_failure_is_one_json_object_too(in_acme: Organization, connected: FaultyRetell) -> None:
    connected.fail(status(401))
    output = io.StringIO()
    with pytest.raises(CommandError):
        call_command("sync_agents", "acme", "--json", stdout=output)
    assert "does not accept this API key" in json.loads(output.getvalue())["problem"]


def test_connecting_an_api_key_syncs_soon(in_acme: Organization, connected: FaultyRetell) -> None:
    key = API_KEYS["acme"]
    connect(in_acme.pk, key, check_key(key))
    waiting = ProcrastinateJob.objects.filter(task_name="agents.sync_one")
    with platform():
        assert [job.args for job in waiting] == [{"organization_id": str(in_acme.pk)}]


def test_the_task_of_connecting_syncs(
    world: World, in_acme: Organization, connected: FaultyRetell
) -> None:
    connected.acme.add_agent("agent_1")
    sync_when_connected(organization_id=str(world.acme.pk))
    assert Agent.objects.get().status == AgentStatus.LIVE
