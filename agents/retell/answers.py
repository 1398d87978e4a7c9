"""What Retell answers, as far as it is used here. `raw` keeps all of it, unknown fields too.

Read tolerantly: a field of another type than documented counts as not given, because Retell adds
and changes fields monthly. What `repr` may say holds no secret: a webhook URL is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from agents.retell.errors import Kind, RetellApiError

Raw = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The year 2200: later ones are mistakes.
_MAX_MILLISECONDS = 7_258_118_400_000


class Channel(StrEnum):
    """What agents answer. An open set: `ListedAgent.channel` is what Retell says."""

    VOICE = "voice"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Whose the key is. `org_id` tells workspaces apart; names are free text."""

    org_id: str
    name: str
    key_name: str
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """A line of the list: without versions, URLs or events. `tags`: name → version."""

    agent_id: str
    name: str
    channel: str
    is_suspended: bool
    is_transfer_agent: bool
    tags: dict[str, int]
    modified_at: datetime | None
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """One version of an agent. `webhook_events` None: Retell's three defaults.

    `webhook_url` "": the account's URL gets the events. `retention_days` None: for ever.
    """

    agent_id: str
    version: int
    base_version: int | None
    is_published: bool
    assigned_tags: tuple[str, ...]
    name: str
    webhook_url: str = field(repr=False)
    webhook_events: tuple[str, ...] | None
    webhook_timeout_ms: int | None
    storage_setting: str
    retention_days: int | None
    opt_in_signed_url: bool
    signed_url_expiration_ms: int | None
    modified_at: datetime | None
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """A line of an agent's history. Published versions cannot be changed, drafts can."""

    version: int
    base_version: int | None
    is_published: bool
    title: str
    modified_at: datetime | None
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; calls are as `calls.reader.read_call` takes them, without transcripts.

    `next_key`: where the next page begins, "" on the last. `skipped`: items that were no objects.
    `total`: how many the whole list has, where that was asked for.
    """

    items: list[Raw] = field(repr=False)
    next_key: str
    skipped: int
    total: int | None = None


CallPage = Page


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number and the agents it leads to, weighted: one number is not one agent."""

    number: str
    kind: str
    nickname: str
    inbound_agent_ids: tuple[str, ...]
    outbound_agent_ids: tuple[str, ...]
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Calls of the workspace at this moment, and how many there may be."""

    current: int | None
    limit: int | None
    raw: Raw = field(repr=False)


# --- Reading -------------------------------------------------------------------------------------


def unreadable(what: str) -> RetellApiError:
    return RetellApiError(Kind.UNREADABLE, detail=what)


def _text(obj: Mapping[str, Any], name: str) -> str:
    value = obj.get(name)
    return value if isinstance(value, str) else ""


def _whole(obj: Mapping[str, Any], name: str) -> int | None:
    value = obj.get(name)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(obj: Mapping[str, Any], name: str) -> datetime | None:
    milliseconds = _whole(obj, name)
    if milliseconds is None or not 0 < milliseconds <= _MAX_MILLISECONDS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(item for item in value if isinstance(item, str))


def _required_text(obj: Mapping[str, Any], name: str) -> str:
    value = _text(obj, name)
    if not value:
        raise unreadable(f"An answer without “{name}”.")
    return value


def _required_whole(obj: Mapping[str, Any], name: str) -> int:
    value = _whole(obj, name)
    if value is None:
        raise unreadable(f"An answer without “{name}”.")
    return value


def workspace(raw: Raw) -> Workspace:
    return Workspace(
        _required_text(raw, "org_id"), _text(raw, "org_name"), _text(raw, "api_key_name"), raw
    )


def listed_agent(raw: Raw) -> ListedAgent:
    return ListedAgent(
        agent_id=_required_text(raw, "agent_id"),
        name=_text(raw, "agent_name"),
        channel=_text(raw, "channel") or Channel.VOICE,
        is_suspended=raw.get("is_suspended") is True,
        is_transfer_agent=raw.get("is_transfer_agent") is True,
        tags=_tags(raw.get("tags")),
        modified_at=_moment(raw, "user_modified_timestamp"),
        raw=raw,
    )


def _tags(value: Any) -> dict[str, int]:
    pairs = value.items() if isinstance(value, dict) else ()
    versions = {name: _whole(tag, "version") for name, tag in pairs if isinstance(tag, dict)}
    return {name: version for name, version in versions.items() if version is not None}


def agent_settings(raw: Raw) -> AgentSettings:
    return AgentSettings(
        agent_id=_required_text(raw, "agent_id"),
        version=_required_whole(raw, "version"),
        base_version=_whole(raw, "base_version"),
        is_published=raw.get("is_published") is True,
        assigned_tags=_texts(raw.get("assigned_tags")) or (),
        name=_text(raw, "agent_name"),
        webhook_url=_text(raw, "webhook_url"),
        webhook_events=_texts(raw.get("webhook_events")),
        webhook_timeout_ms=_whole(raw, "webhook_timeout_ms"),
        storage_setting=_text(raw, "data_storage_setting"),
        retention_days=_whole(raw, "data_storage_retention_days"),
        opt_in_signed_url=raw.get("opt_in_signed_url") is True,
        signed_url_expiration_ms=_whole(raw, "signed_url_expiration_ms"),
        modified_at=_moment(raw, "last_modification_timestamp"),
        raw=raw,
    )


def agent_version(raw: Raw) -> AgentVersion:
    return AgentVersion(
        version=_required_whole(raw, "version"),
        base_version=_whole(raw, "base_version"),
        is_published=raw.get("is_published") is True,
        title=_text(raw, "version_title"),
        modified_at=_moment(raw, "last_modification_timestamp"),
        raw=raw,
    )


def phone_number(raw: Raw) -> PhoneNumber:
    return PhoneNumber(
        number=_required_text(raw, "phone_number"),
        kind=_text(raw, "phone_number_type"),
        nickname=_text(raw, "nickname"),
        inbound_agent_ids=_agent_ids(raw.get("inbound_agents")),
        outbound_agent_ids=_agent_ids(raw.get("outbound_agents")),
        raw=raw,
    )


def _agent_ids(value: Any) -> tuple[str, ...]:
    lines = value if isinstance(value, list) else []
    ids = (_text(line, "agent_id") for line in lines if isinstance(line, dict))
    return tuple(agent_id for agent_id in ids if agent_id)


def concurrency(raw: Raw) -> Concurrency:
    return Concurrency(_whole(raw, "current_concurrency"), _whole(raw, "concurrency_limit"), raw)


def page(raw: Raw) -> Page:
    """Raises when the list does not say whether that was all: half of it would pass for all."""
    items = raw.get("items")
    if not isinstance(items, list):
        raise unreadable("A list without “items”.")
    objects = [item for item in items if isinstance(item, dict)]
    is_last = raw.get("has_more") is False
    next_key = "" if is_last else _text(raw, "pagination_key")
    if not is_last and not next_key:
        raise unreadable("A list that goes on, without saying where.")
    total = raw.get("total")
    return Page(objects, next_key, len(items) - len(objects), total if type(total) is int else None)
