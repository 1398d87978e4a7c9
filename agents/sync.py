"""Agents as Retell has them, read into their rows. All inside the organization's context.

The list names everything there is; settings are read one by one, only where something changed.
What was read is kept when the rest fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from django.db.models import Q
from django.utils import timezone

from agents.models import Agent, RetellConnection
from agents.retell import AgentSettings, AgentVersion, Kind, ListedAgent, RetellApiError, answers
from agents.versions import Facts, Version, latest_published
from jobs.actions import Cancelled
from notifications import signals
from tenants.models import Organization

logger = logging.getLogger(__name__)

TOPIC = "agents"
BATCH = 200
# Read again although the list shows no change: what publishing does to its times is not known.
READ_AGAIN_AFTER = timedelta(days=1)
MOST_VERSIONS = 50
# Wrong with one agent, not with Retell or the key.
_OF_ONE_AGENT = {Kind.NOT_FOUND, Kind.INVALID, Kind.UNREADABLE, Kind.TOO_LARGE}
_LISTED = ("retell_name", "retell_name_at", "channel", "is_suspended", "tags", "listed_at")
CANCELLED = "The sync was cancelled; it is done again within the hour."
UNEXPECTED = "The sync stopped because of an error on our side; it is tried again every hour."


class Api(Protocol):
    """What a sync needs of `agents.retell.RetellApi`."""

    def agents(self) -> Iterable[ListedAgent]: ...

    def agent(
        self, agent_id: str, version: int | str | None = None, *, channel: str = ...
    ) -> AgentSettings: ...

    def agent_versions(self, agent_id: str) -> Iterable[AgentVersion]: ...


@dataclass(slots=True)
class Outcome:
    """`read`: whose settings were read; `unreadable`: whose settings could not be."""

    listed: int = 0
    new: int = 0
    read: int = 0
    gone: int = 0
    back: int = 0
    unreadable: int = 0


# Told after every agent: how many of how many are read.
Step = Callable[[int, int], None]


def _quiet(done: int, total: int) -> None:
    return None


def sync(organization: Organization, api: Api, *, step: Step = _quiet) -> Outcome:
    """Make the agents here what Retell lists. Raises `RetellApiError`; what was read is kept."""
    began = timezone.now()
    outcome = Outcome()
    problem = UNEXPECTED
    try:
        changed = _note_list(api, began, outcome)
        _note_gone(began, outcome)
        _read_changed(api, changed, outcome, step)
        problem = ""
    except RetellApiError as error:
        problem = str(error)
        raise
    except Cancelled:
        problem = CANCELLED
        raise
    finally:
        _note_end(began, problem)
        signals.changed(organization.pk, TOPIC)
    return outcome


def _note_end(began: datetime, problem: str) -> None:
    connection = RetellConnection.objects.filter(pk=1)
    if problem:
        connection.update(agents_problem=problem)
    else:
        connection.update(agents_problem="", agents_synced_at=began)


# --- The list ------------------------------------------------------------------------------------


def _batches(listed: Iterable[ListedAgent]) -> Iterator[list[ListedAgent]]:
    rest = iter(listed)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _note_list(api: Api, began: datetime, outcome: Outcome) -> list[ListedAgent]:
    """Note every line of the list; those whose settings must be read."""
    changed: list[ListedAgent] = []
    for batch in _batches(api.agents()):
        ids = [listed.agent_id for listed in batch]
        known = Agent.objects.filter(retell_agent_id__in=ids).in_bulk(field_name="retell_agent_id")
        outcome.listed += len(batch)
        outcome.new += sum(agent_id not in known for agent_id in ids)
        outcome.back += sum(agent.gone_at is not None for agent in known.values())
        rows = {listed.agent_id: _row(listed) for listed in batch}
        Agent.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["retell_agent_id"],
            update_fields=[*_LISTED, "gone_at"],
        )
        changed += [
            listed for listed in batch if _must_read(known.get(listed.agent_id), listed, began)
        ]
    return changed


def _row(listed: ListedAgent) -> Agent:
    now = timezone.now()
    return Agent(
        retell_agent_id=listed.agent_id,
        retell_name=listed.name.replace("\x00", ""),
        retell_name_at=now,
        channel=listed.channel[:16],
        is_suspended=listed.is_suspended,
        tags=listed.tags,
        # Not when the sync began: of two at the same time, neither takes the other's for gone.
        listed_at=now,
    )


def _must_read(known: Agent | None, listed: ListedAgent, now: datetime) -> bool:
    if known is None or known.synced_at is None or known.gone_at is not None:
        return True
    return (
        known.modified_at != listed.modified_at
        or known.tags != listed.tags
        or now - known.synced_at > READ_AGAIN_AFTER
    )


def _note_gone(began: datetime, outcome: Outcome) -> None:
    """Only after the whole list: what was not on it is not in Retell any more."""
    missing = Q(listed_at=None) | Q(listed_at__lt=began)
    outcome.gone = Agent.objects.filter(missing, gone_at=None, first_seen_at__lt=began).update(
        gone_at=timezone.now()
    )


# --- Settings ------------------------------------------------------------------------------------


def _read_changed(api: Api, changed: list[ListedAgent], outcome: Outcome, step: Step) -> None:
    for number, listed in enumerate(changed, start=1):
        agent = Agent.objects.get(retell_agent_id=listed.agent_id)
        try:
            read_agent(api, agent, modified_at=listed.modified_at)
            outcome.read += 1
        except RetellApiError as error:
            if error.kind not in _OF_ONE_AGENT:
                raise
            outcome.unreadable += 1
            logger.warning(
                "an agent's settings could not be read",
                extra={"agent": listed.agent_id, "kind": error.kind.value},
            )
        step(number, len(changed))


def read_agent(api: Api, agent: Agent, *, modified_at: datetime | None = None) -> None:
    """Read one agent's versions and settings. Raises `RetellApiError`."""
    newest = api.agent(agent.retell_agent_id, channel=agent.channel or "voice")
    versions = _versions(api, agent, newest, is_changed=agent.modified_at != modified_at)
    # A published version does not change: once read, it is known.
    known = {v.number: v.facts for v in agent.version_list if v.is_published}
    facts = {newest.version: Facts.of(newest)}
    for number in _in_use(agent, versions) - facts.keys():
        facts[number] = known.get(number) or _facts_of(api, agent, number)
    agent.versions = [
        Version(v.number, v.is_published, v.title, v.modified_at, facts.get(v.number)).to_store()
        for v in _kept(versions, facts.keys())
    ]
    agent.__dict__.pop("version_list", None)
    agent.synced_at = timezone.now()
    agent.modified_at = modified_at or agent.modified_at
    agent.save(update_fields=["versions", "synced_at", "modified_at"])


def _versions(api: Api, agent: Agent, newest: AgentSettings, *, is_changed: bool) -> list[Version]:
    """Newest first. Listed only where the newest does not tell which one is live: lists are what
    Retell allows least of, and comparing calls needs them."""
    known = {version.number: version for version in agent.version_list}
    before = known.get(newest.version)
    known[newest.version] = Version.of(answers.agent_version(newest.raw), None)
    is_unclear = not newest.is_published and (is_changed or before is None)
    overtaken = any(v.number < newest.version and not v.is_published for v in known.values())
    if is_unclear or overtaken or not known.keys() >= set(agent.tags.values()):
        listed = api.agent_versions(agent.retell_agent_id)
        known = {line.version: Version.of(line, None) for line in listed}
    return sorted(known.values(), key=lambda version: version.number, reverse=True)


def _in_use(agent: Agent, versions: list[Version]) -> set[int]:
    """What calls may use: the newest published version, and those that tags point at."""
    published = latest_published(versions)
    wanted = {published.number} if published else set()
    return (wanted | set(agent.tags.values())) & {version.number for version in versions}


def _facts_of(api: Api, agent: Agent, number: int) -> Facts:
    return Facts.of(api.agent(agent.retell_agent_id, number, channel=agent.channel or "voice"))


def _kept(versions: list[Version], read: Iterable[int]) -> list[Version]:
    wanted = set(read)
    return [
        version
        for place, version in enumerate(versions)
        if place < MOST_VERSIONS or version.number in wanted
    ]
