"""Filters of the delivery log. They live in the URL, and in the job that applies what matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import django_filters
from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django_filters.fields import ChoiceField, IsoDateTimeField

from accounts.masking import mask
from agents.models import Agent
from config.paging import CURSOR_PARAMETERS, with_parameters
from config.templatetags.formats import in_zone, moment
from webhooks import retell
from webhooks.models import REASONS, Delivery, DeliveryState
from webhooks.querysets import DeliveryQuerySet

DUPLICATE = "duplicate"
UNREADABLE = "unreadable"
COUNT_MAX = 10_000

_VERDICTS = (*DeliveryState.choices, (DUPLICATE, "Received more than once"))
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


class _TimeField(IsoDateTimeField):  # type: ignore[misc]  # comes without types
    """A time typed without an offset, read on the clock of `zone`."""

    def __init__(self, *args: Any, zone: tzinfo = UTC, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            when: datetime | None = super().to_python(value)
        return when and in_zone(when, self.zone)


class _TimeFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # comes without types
    field_class = _TimeField


def _local_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class _EventField(ChoiceField):  # type: ignore[misc]  # comes without types
    """The known events to choose from; any other may stand in the URL."""

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= retell.EVENT_MAX_LENGTH


class _EventFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # comes without types
    field_class = _EventField


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]  # comes without types
    """Times are read in `zone`, the organization's, whoever looks; see `config.zones`."""

    def __init__(self, data: Mapping[str, Any], queryset: Any, *, zone: tzinfo) -> None:
        super().__init__(data, queryset)
        for name in ("received_after", "received_before"):
            self.filters[name].extra |= {"zone": zone, "help_text": f"Time in {zone}."}

    q = django_filters.CharFilter(method="search", label="Call ID", max_length=300)
    verdict = django_filters.ChoiceFilter(method="by_verdict", choices=_VERDICTS, label="Verdict")
    reason = django_filters.ChoiceFilter(choices=_REASONS, label="Reason")
    event = _EventFilter(method="by_event", choices=_EVENTS, label="Event")
    agent = django_filters.ModelChoiceFilter(
        method="by_agent", queryset=lambda _: Agent.objects.for_choice(), label="Agent"
    )
    received_after = _TimeFilter(method="by_time", label="From", widget=_local_input())
    received_before = _TimeFilter(method="by_time", label="Until", widget=_local_input())
    min_attempts = django_filters.NumberFilter(
        "attempts", "gte", label="Attempts, at least", min_value=1, max_value=COUNT_MAX
    )
    min_duplicates = django_filters.NumberFilter(
        method="by_duplicates", label="Duplicates, at least", min_value=1, max_value=COUNT_MAX
    )

    class Meta:
        model = Delivery
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


_OPERATORS = {
    "received_after": "from",
    "received_before": "before",
    "min_attempts": "≥",
    "min_duplicates": "≥",
    "q": "begins with",
}
_LABELS = {
    "received_after": "Received",
    "received_before": "Received",
    "min_attempts": "Attempts",
    "min_duplicates": "Duplicates",
}


def shown_values(filters: DeliveryFilter) -> list[tuple[str, str, str, str]]:
    """The filters that are set: name, label, operator and value as a person reads them."""
    form = filters.form
    form.is_valid()  # what is not understood is left out of the cleaned data
    return [
        (
            name,
            _LABELS.get(name, str(field.label)),
            _OPERATORS.get(name, "is"),
            _shown(field, value),
        )
        for name, field in form.fields.items()
        if (value := form.cleaned_data.get(name)) not in (None, "")
    ]


def chips(request: HttpRequest, filters: DeliveryFilter) -> list[dict[str, str]]:
    """The active filters, each with the URL that removes it."""
    return [
        {
            "label": label,
            "operator": operator,
            "value": value,
            "remove_url": with_parameters(request, **{name: None}),
        }
        for name, label, operator, value in shown_values(filters)
        if name != "q"
    ]


def as_text(filters: DeliveryFilter) -> str:
    """The filter in one line, for the audit log; a phone number pasted by mistake is masked."""
    parts = [
        f"{label} {operator} {mask(value) if _ONLY_A_NUMBER.fullmatch(value) else value}"
        for _, label, operator, value in shown_values(filters)
    ]
    return ", ".join(parts) or "all deliveries"


def _shown(field: forms.Field, value: Any) -> str:
    if isinstance(value, Agent):
        return value.display_name
    choices = dict(getattr(field, "choices", ()))
    if value in choices:
        return str(choices[value])
    if isinstance(value, datetime):
        return f"{moment(value, value.tzinfo)} {value.tzname()}"
    return str(value)


def ignored(names: Iterable[str], filters: DeliveryFilter) -> list[str]:
    """What of the URL was not understood and therefore not applied, as sentences."""
    form = filters.form
    known = {*form.fields, *CURSOR_PARAMETERS}
    sentences = [
        f"The filter “{name[:40]}” is not known and was ignored."
        for name in names
        if name not in known
    ]
    return sentences + [
        f"“{form.fields[name].label}” was not understood and was ignored." for name in form.errors
    ]


def given(data: Mapping[str, Any], filters: DeliveryFilter) -> dict[str, str]:
    """The filters that are set, as they were written: what `DeliveryFilter` takes again."""
    return {name: str(data[name]) for name in filters.form.fields if data.get(name)}
