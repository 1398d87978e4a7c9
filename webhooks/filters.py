"""Filters of the delivery log. They live in the URL, and in the job that applies what matches."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

import django_filters
from django.utils.translation import gettext_lazy as _
from django_filters.fields import ChoiceField

from accounts.masking import mask
from agents.models import Agent
from config.filtering import FilterForm, ListFilter, TimeFilter
from webhooks import retell
from webhooks.models import REASONS, Delivery, DeliveryState
from webhooks.querysets import DeliveryQuerySet

DUPLICATE = "duplicate"
UNREADABLE = "unreadable"
COUNT_MAX = 10_000

_VERDICTS = (*DeliveryState.choices, (DUPLICATE, _("Received more than once")))
_REASONS = tuple((code, text) for code, text in REASONS.items() if code)
_EVENTS = (
    *(
        (name, name)
        for name in sorted(
            retell.CALL_EVENTS | retell.CHAT_EVENTS | retell.ALERT_EVENTS | retell.INBOUND_EVENTS
        )
    ),
    (UNREADABLE, "unreadable"),
)
# A whole id inside of whatever was pasted: a link, a line of JSON with its name before it.
_PASTED_ID = re.compile(r"\b(?:call|chat)_(?!id\b)\w+")
_ONLY_A_NUMBER = re.compile(r"[\d\s()+.-]{7,}")


class _EventField(ChoiceField):  # type: ignore[misc]  # comes without types
    """The known events to choose from; any other may stand in the URL."""

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= retell.EVENT_MAX_LENGTH


class _EventFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # comes without types
    field_class = _EventField
    is_open = True


class DeliveryFilterForm(FilterForm):
    operators: ClassVar = {
        "received_after": _("from"),
        "received_before": _("before"),
        "min_attempts": "≥",
        "min_duplicates": "≥",
        "q": _("begins with"),
    }
    labels: ClassVar = {
        "received_after": _("Received"),
        "received_before": _("Received"),
        "min_attempts": _("Attempts"),
        "min_duplicates": _("Duplicates"),
    }


class DeliveryFilter(ListFilter):
    """Times are read in `zone`, the organization's, whoever looks; see `config.zones`."""

    q = django_filters.CharFilter(method="search", label=_("Call ID"), max_length=300)
    verdict = django_filters.ChoiceFilter(
        method="by_verdict", choices=_VERDICTS, label=_("Verdict")
    )
    reason = django_filters.ChoiceFilter(choices=_REASONS, label=_("Reason"))
    event = _EventFilter(method="by_event", choices=_EVENTS, label=_("Event"))
    agent = django_filters.ModelChoiceFilter(
        method="by_agent", queryset=lambda request: Agent.objects.for_choice(), label=_("Agent")
    )
    received_after = TimeFilter(method="by_time", label=_("From"))
    received_before = TimeFilter(method="by_time", label=_("Until"))
    min_attempts = django_filters.NumberFilter(
        "attempts", "gte", label=_("Attempts, at least"), min_value=1, max_value=COUNT_MAX
    )
    min_duplicates = django_filters.NumberFilter(
        method="by_duplicates", label=_("Duplicates, at least"), min_value=1, max_value=COUNT_MAX
    )

    class Meta:
        model = Delivery
        form = DeliveryFilterForm
        fields: tuple[str, ...] = ()

    def search(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        return queryset.about_like(pasted_ids(value))

    def by_verdict(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        if value == DUPLICATE:
            return queryset.filter(receipts__gt=1)
        return queryset.filter(state=value)

    def by_event(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        return queryset.filter(event="" if value == UNREADABLE else value)

    def by_agent(self, queryset: DeliveryQuerySet, name: str, value: Agent) -> DeliveryQuerySet:
        return queryset.filter(agent_id=value.retell_agent_id)

    def by_time(self, queryset: DeliveryQuerySet, name: str, value: datetime) -> DeliveryQuerySet:
        if name == "received_after":
            return queryset.received_from(value)
        return queryset.received_before(value)

    def by_duplicates(self, queryset: DeliveryQuerySet, name: str, value: Any) -> DeliveryQuerySet:
        return queryset.filter(receipts__gt=value)


def pasted_ids(text: str) -> list[str]:
    """What ids may begin with, given a whole one, its first part with or without `call_`, or text
    around one."""
    found = _PASTED_ID.search(text)
    if found:
        return [found[0]]
    text = text.strip()
    return [text, f"call_{text}", f"chat_{text}"]


def as_text(filters: DeliveryFilter) -> str:
    """The filter in one line, for the audit log; a phone number pasted by mistake is masked."""
    parts = [
        f"{label} {operator} {mask(value) if _ONLY_A_NUMBER.fullmatch(value) else value}"
        for __, label, operator, value in filters.form.shown_values()
    ]
    return ", ".join(parts) or "all deliveries"
