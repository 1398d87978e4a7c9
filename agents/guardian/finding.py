"""What a finding is, and what of the outside it is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices

from agents.models import Agent


class Severity(TextChoices):
    LOSES = "loses", "Loses calls"
    RISK = "risk", "At risk"
    NOTE = "note", "Note"

    @property
    def tone(self) -> str:
        return {"loses": "bad", "risk": "warn"}.get(self.value, "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """`title`: what is the case; `cost`: what it costs; `remedy`: what to do, in words.

    `is_fixable`: setting the webhook from here mends it. `agent` None: it is about all of them.
    """

    code: str
    severity: Severity
    title: str
    cost: str
    remedy: str
    agent: Agent | None = None
    is_fixable: bool = False

    @property
    def subject(self) -> str:
        return self.agent.display_name if self.agent else "Connection"

    @property
    def needs_attention(self) -> bool:
        return self.severity != Severity.NOTE


@dataclass(frozen=True, slots=True)
class OwnUrls:
    """Tokens of this organization's webhook URLs (SHA-256, hex), and until when they work."""

    expires_at: Mapping[str, datetime | None]

    def are_valid(self, token: str, now: datetime) -> bool:
        if token not in self.expires_at:
            return False
        until = self.expires_at[token]
        return until is None or now < until

    def ends_at(self, token: str) -> datetime | None:
        return self.expires_at.get(token)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of the last day: whether webhooks brought calls of an agent, or comparing alone; and
    whether calls came after Retell listed it no more."""

    by_webhook: bool = False
    by_comparison: bool = False
    since_gone: bool = False


def count(found: Iterable[Finding]) -> int:
    """How many need attention."""
    return sum(finding.needs_attention for finding in found)
