"""Setting an agent's webhook in Retell: what exactly would change, and doing it.

A published version cannot be changed, and a draft may hold somebody's unfinished work. So a new
version is made from the published one, set, and published; the draft stays as it is. Only an agent
that was never published is set in its draft, and stays unpublished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils import timezone

from agents import guardian, sync
from agents.api_access import open_api
from agents.guardian import OwnUrls, is_right, missing_events
from agents.models import Agent
from agents.retell import AgentSettings, AgentVersion, PhoneNumber, RetellApi, RetellApiError
from agents.versions import Facts, Webhook
from tenants.models import Organization, WebhookEndpoint

# Of a person who waits; the work of a job would wait for minutes.
PATIENCE_SECONDS = 5.0
NO_KEY = "There is no Retell API key. Nothing was changed. Connect one under Settings, Retell."
NOT_THERE = (
    "Retell does not list this agent, so nothing can be set. Nothing was changed. If it should be"
    " there, sync agents first."
)
NO_URL = "This organization has no webhook URL. Nothing was changed. Make one first."
CHANGED = (
    "The agent was changed in Retell since this page was shown. Nothing was changed from here."
    " Look again at what would be done."
)


class Api(sync.Api, Protocol):
    """What a fix needs of `agents.retell.RetellApi`."""

    def phone_numbers(self) -> Iterable[PhoneNumber]: ...

    def create_agent_draft(self, agent_id: str, *, base_version: int) -> AgentSettings: ...

    def set_agent_webhook(
        self,
        agent_id: str,
        *,
        version: int,
        url: str | None,
        events: Any,
        channel: str = ...,
    ) -> AgentSettings: ...

    def publish_agent(self, agent_id: str, *, version: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Pointer:
    """A phone number or tag that uses the agent, and the version it is fixed to: None follows
    what is published."""

    name: str
    version: str
    follows: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done. `base_version`: the published version that a new one is made from;
    None: the draft itself is set. `draft_version`: a draft that stays as it is."""

    agent_id: str
    channel: str
    base_version: int | None
    draft_version: int | None
    newest_version: int
    url_before: str = field(repr=False)
    url_after: str = field(repr=False)
    events_before: tuple[str, ...] | None
    events_after: tuple[str, ...] | None
    pointers: tuple[Pointer, ...]

    @property
    def changes_url(self) -> bool:
        return self.url_before != self.url_after

    @property
    def changes_events(self) -> bool:
        return self.events_before != self.events_after

    @property
    def is_needed(self) -> bool:
        return self.changes_url or self.changes_events

    @property
    def new_events(self) -> list[str]:
        return [e for e in self.events_after or () if e not in (self.events_before or ())]

    @property
    def left_behind(self) -> list[Pointer]:
        """What goes on using another version until somebody moves it in Retell."""
        return [pointer for pointer in self.pointers if not pointer.follows]

    @property
    def seal(self) -> str:
        """Changes with anything that was shown: what is done is what was agreed to."""
        shown = (self.agent_id, self.base_version, self.newest_version, self.url_before,
                 self.url_after, self.events_before, self.events_after)  # fmt: skip
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]

    @property
    def shown_before(self) -> str:
        return Webhook.of(self.url_before).address or "the account's URL"

    @property
    def shown_after(self) -> str:
        return Webhook.of(self.url_after).address or "the account's URL"


class FixFailed(Exception):
    """Why it was not finished, in sentences; `is_unknown`: whether Retell did it is not known."""

    def __init__(self, sentence: str, *, is_unknown: bool = False) -> None:
        super().__init__(sentence)
        self.is_unknown = is_unknown


# --- Through the stored key ----------------------------------------------------------------------


@contextmanager
def opened(organization: Organization) -> Iterator[RetellApi]:
    """Retell's API for somebody who waits for a page. Raises `FixFailed` without an API key."""
    with open_api(organization, patience_seconds=PATIENCE_SECONDS) as api:
        if api is None:
            raise FixFailed(NO_KEY)
        yield api


def look(organization: Organization, agent: Agent) -> Plan:
    """What would be done, for a page. Raises `FixFailed` and `RetellApiError`."""
    with opened(organization) as api:
        return plan_for(api, agent)


def plan_for(api: Api, agent: Agent) -> Plan:
    """What would be done for an agent's findings. Raises `FixFailed` and `RetellApiError`."""
    if agent.gone_at is not None or not agent.channel:
        raise FixFailed(NOT_THERE)
    endpoint = WebhookEndpoint.objects.filter(expires_at=None).order_by("created_at").last()
    if endpoint is None:
        raise FixFailed(NO_URL)
    is_unheard = any(f.code == "unheard" for f in guardian.findings(agent))
    return make_plan(api, agent, guardian.own_urls(), endpoint.url, sets_own_url=is_unheard)


# --- What would change ---------------------------------------------------------------------------


def make_plan(
    api: Api, agent: Agent, own: OwnUrls, own_url: str, *, sets_own_url: bool = False
) -> Plan:
    """From what Retell says now. `sets_own_url`: also where the account's URL would do."""
    newest = api.agent(agent.retell_agent_id, channel=agent.channel)
    published = _published(api.agent_versions(agent.retell_agent_id))
    base = newest
    if published is not None and published != newest.version:
        base = api.agent(agent.retell_agent_id, published, channel=agent.channel)
    facts = Facts.of(base)
    url = base.webhook_url
    if not is_current(facts, own) or (sets_own_url and not url):
        url = own_url
    missing = missing_events(agent, facts)
    events = base.webhook_events
    if events is not None and missing:
        events = (*events, *missing)
    return Plan(
        agent_id=agent.retell_agent_id,
        channel=agent.channel,
        base_version=published,
        draft_version=None if newest.is_published or published is None else newest.version,
        newest_version=newest.version,
        url_before=base.webhook_url,
        url_after=url,
        events_before=base.webhook_events,
        events_after=events,
        pointers=tuple(_pointers(api, agent)),
    )


def is_current(facts: Facts, own: OwnUrls) -> bool:
    """No URL of its own, or our current one: an old one that still works is exchanged, too."""
    token = facts.webhook.token_sha256
    return is_right(facts, own, timezone.now()) and not (token and own.ends_at(token))


def _published(versions: Iterable[AgentVersion]) -> int | None:
    return max((v.version for v in versions if v.is_published), default=None)


def _pointers(api: Api, agent: Agent) -> Iterable[Pointer]:
    for tag, version in sorted(agent.tags.items()):
        yield Pointer(f"tag {tag}", f"version {version}", follows=False)
    for number in api.phone_numbers():
        for kind in ("inbound_agents", "outbound_agents", "inbound_sms_agents", "outbound_sms_agents"):  # fmt: skip  # noqa: E501
            lines = number.raw.get(kind)
            for line in lines if isinstance(lines, list) else ():
                if isinstance(line, dict) and line.get("agent_id") == agent.retell_agent_id:
                    direction = kind.removesuffix("_agents").replace("_", " ")
                    yield _pointer(f"{number.number} ({direction})", line.get("agent_version"))


def _pointer(name: str, wanted: Any) -> Pointer:
    if wanted is None or wanted in ("latest", "latest_published"):
        return Pointer(name, str(wanted or "latest_published"), follows=True)
    text = f"tag {wanted}" if isinstance(wanted, str) else f"version {wanted}"
    return Pointer(name, text, follows=False)


# --- Doing it ------------------------------------------------------------------------------------


def carry_out(api: Api, plan: Plan) -> int:
    """The version that was set. Raises `FixFailed`, which says how far it came."""
    version = _version_to_set(api, plan)
    made = f"Version {version} was made and is not published; live calls are as before."
    try:
        api.set_agent_webhook(
            plan.agent_id,
            version=version,
            url=plan.url_after or None,
            events=plan.events_after,
            channel=plan.channel,
        )
    except RetellApiError as error:
        raise _failed(error, made if plan.base_version is not None else "") from error
    if plan.base_version is None:
        return version
    try:
        api.publish_agent(plan.agent_id, version=version)
    except RetellApiError as error:
        done = f"Version {version} was made and set"
        how = "whether it was published is not known." if error.outcome_unknown else (
            "not published; live calls are as before. Publish it in Retell, or try again."
        )  # fmt: skip
        raise _failed(error, f"{done}; {how}") from error
    return version


def _version_to_set(api: Api, plan: Plan) -> int:
    if plan.base_version is None:
        return api.agent(plan.agent_id, channel=plan.channel).version
    try:
        return api.create_agent_draft(plan.agent_id, base_version=plan.base_version).version
    except RetellApiError as error:
        said = "Nothing was published; live calls are as before."
        raise _failed(error, said if error.outcome_unknown else "") from error


def _failed(error: RetellApiError, how_far: str) -> FixFailed:
    detail = f" Retell said: “{error.detail}”" if error.detail else ""
    sentence = f"{how_far} {error}{detail}".strip()
    return FixFailed(sentence, is_unknown=error.outcome_unknown)
