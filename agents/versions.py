"""Versions of an agent as a sync read them, and what of a webhook URL may be stored.

A webhook URL is a secret, ours and others'. Kept of it are where it leads, and of our own the
hash of its token, by which it is known again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from agents.retell import AgentSettings
from agents.retell import AgentVersion as ListedVersion
from tenants.models import hash_token

ADDRESS_MAX_LENGTH = 200
_OUR_PATH = re.compile(r"/webhooks/retell/([^/]+)/?")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events go. `address`: without the secret part, "" when the account's URL gets them;
    `token_sha256`: of a URL of this installation, in hex."""

    address: str = ""
    token_sha256: str = ""

    @classmethod
    def of(cls, url: str) -> Webhook:
        parts = _split(url)
        if parts is None:
            return cls(url[:20] + "…" if url else "")
        path = f"/{parts.path.strip('/')}" if parts.path.strip("/") else ""
        # Without a user and password.
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        ours = _OUR_PATH.fullmatch(path)
        if ours and parts.hostname == urlsplit(settings.PUBLIC_BASE_URL).hostname:
            return cls(f"{shown}/webhooks/retell/…", hash_token(ours[1]).hex())
        return cls(f"{shown}/…"[:ADDRESS_MAX_LENGTH] if path or parts.query else shown)

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or self.address


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.hostname else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one version does with events and data. `events` None: Retell's three defaults.

    `retention_days` None: for ever.
    """

    webhook: Webhook
    events: tuple[str, ...] | None
    storage: str
    retention_days: int | None
    opt_in_signed_url: bool
    signed_url_expiration_ms: int | None

    @classmethod
    def of(cls, answer: AgentSettings) -> Facts:
        return cls(
            webhook=Webhook.of(answer.webhook_url),
            events=answer.webhook_events,
            storage=answer.storage_setting,
            retention_days=answer.retention_days,
            opt_in_signed_url=answer.opt_in_signed_url,
            signed_url_expiration_ms=answer.signed_url_expiration_ms,
        )

    @classmethod
    def stored(cls, value: dict[str, Any]) -> Facts:
        events = value["events"]
        return cls(
            **value
            | {
                "webhook": Webhook(**value["webhook"]),
                "events": None if events is None else tuple(events),
            }
        )


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `facts` None: nothing points at it, so it was not read."""

    number: int
    is_published: bool
    title: str = ""
    modified_at: datetime | None = None
    facts: Facts | None = None

    @classmethod
    def of(cls, listed: ListedVersion, facts: Facts | None) -> Version:
        title = listed.title.replace("\x00", "")[:200]
        return cls(listed.version, listed.is_published, title, listed.modified_at, facts)

    @classmethod
    def stored(cls, value: dict[str, Any]) -> Version:
        at, facts = value["modified_at"], value["facts"]
        return cls(
            **value
            | {
                "modified_at": datetime.fromisoformat(at) if at else None,
                "facts": Facts.stored(facts) if facts else None,
            }
        )

    def to_store(self) -> dict[str, Any]:
        value = asdict(self)
        value["modified_at"] = self.modified_at.isoformat() if self.modified_at else None
        return value


def latest(versions: Iterable[Version]) -> Version | None:
    return max(versions, key=lambda version: version.number, default=None)


def latest_published(versions: Iterable[Version]) -> Version | None:
    return latest(version for version in versions if version.is_published)
