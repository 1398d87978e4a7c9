"""Agents and their numbers, as pages show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from agents.guardian import Finding, Severity
from agents.models import Agent
from agents.numbers import ByAgent, Numbers
from agents.retell import Channel
from agents.versions import Facts
from config.periods import Period
from config.templatetags.formats import duration, latency, money, number, percent

EVENTS_BY_DEFAULT = lazy("Retell's defaults")
STORAGE_LABELS = {
    "": lazy("Not said"),
    "everything": "Everything",
    "everything_except_pii": lazy("Everything except personal data"),
    "basic_attributes_only": lazy("Basic attributes only"),
}
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Attention:
    """A badge."""

    label: str
    tone: str


def attention(findings: Iterable[Finding]) -> Attention | None:
    """How many need it, in the tone of the worst; None when none does."""
    wanted = [finding.severity for finding in findings if finding.needs_attention]
    if not wanted:
        return None
    return attention_of(len(wanted), min(wanted, key=list(Severity).index).tone)


def attention_of(count: int, tone: str) -> Attention:
    label = ngettext("%(count)d finding", "%(count)d findings", count)
    return Attention(label % {"count": count}, tone)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: an agent, its numbers and its findings."""

    agent: Agent
    numbers: Numbers
    findings: list[Finding] = field(default_factory=list)
    period: Period | None = None

    @property
    def calls_url(self) -> str:
        return calls_url(self.agent, self.period)

    @property
    def successful_url(self) -> str:
        return calls_url(self.agent, self.period, outcome="successful")

    @property
    def calls(self) -> int:
        return int(self.numbers.get("calls", 0))

    @property
    def success_rate(self) -> float | None:
        judged = self.numbers.get("judged")
        return self.numbers["successful"] / judged if judged else None

    @property
    def latency_ms(self) -> Decimal | None:
        return self.numbers.get("latency_ms")

    @property
    def cost_cents(self) -> Decimal | None:
        return self.numbers.get("cost_cents")

    @property
    def attention(self) -> Attention | None:
        """What needs it, in the tone of the worst."""
        return attention(self.findings)


def rows(
    agents: Iterable[Agent],
    numbers: ByAgent,
    found: Iterable[Finding],
    period: Period | None = None,
) -> list[Row]:
    by_agent: dict[Any, list[Finding]] = defaultdict(list)
    for finding in found:
        if finding.agent is not None:
            by_agent[finding.agent.pk].append(finding)
    return [
        Row(agent, numbers.get(agent.retell_agent_id, {}), by_agent[agent.pk], period)
        for agent in agents
    ]


def count_text(shown: int, whole: int) -> str:
    """ "3 of 12 agents" """
    return f"{shown:,} of {whole:,} {'agent' if whole == 1 else 'agents'}"


def calls_url(agent: Agent, period: Period | None = None, **filters: str) -> str:
    """The calls behind a number, or the chats."""
    span = period.call_filter if period else {}
    listed = reverse("calls:chat_list" if agent.channel == Channel.CHAT else "calls:list")
    return f"{listed}?{urlencode({'agent': str(agent.pk), **span, **filters})}"


def kpis(row: Row, period: Period) -> list[dict[str, Any]]:
    """Six tiles, each with the calls behind it."""
    agent = row.agent
    is_chat = agent.channel == Channel.CHAT
    url = calls_url(agent, period)
    successful = calls_url(agent, period, outcome="successful")
    per_call = row.cost_cents / row.calls if row.calls and row.cost_cents is not None else None
    return [
        {"label": _("Chats") if is_chat else _("Calls"), "value": number(row.calls), "url": url},
        {"label": _("Success rate"), "value": percent(row.success_rate, 1), "url": successful},
        {
            "label": _("Avg. duration"),
            "value": duration(row.numbers.get("duration_ms")),
            "url": url,
        },
        {"label": _("Latency p50"), "value": latency(row.latency_ms), "url": url},
        {"label": _("Cost"), "value": money(row.cost_cents), "url": url},
        {
            "label": _("Cost per chat") if is_chat else _("Cost per call"),
            "value": money(per_call, 3),
            "url": url,
        },
    ]


def settings_rows(agent: Agent) -> list[tuple[str, str, bool]]:
    """For `components/facts.html`: what calls use, as the last sync read it."""
    facts = agent.live_facts
    if facts is None:
        return []
    return [
        (_("Webhook URL"), facts.webhook.address or _("The account's"), False),
        (_("Events"), events_text(facts.events), False),
        (_("Storage"), str(STORAGE_LABELS.get(facts.storage, facts.storage)), False),
        (_("Kept in Retell"), _kept(facts.retention_days), False),
        (_("Recording links"), _links(facts), False),
    ]


def events_text(events: tuple[str, ...] | None) -> str:
    if events is None:
        return str(EVENTS_BY_DEFAULT)
    return ", ".join(events) or "None"


def _kept(days: int | None) -> str:
    if days is None:
        return _("For ever")
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def _links(facts: Facts) -> str:
    if not facts.opt_in_signed_url:
        return _("Do not expire")
    hours = (facts.signed_url_expiration_ms or 24 * _HOUR_MS) / _HOUR_MS
    return _("Signed, expire after %(hours)s h") % {"hours": f"{hours:g}"}
