"""Filters of the call list. They live in the URL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_filters.fields import IsoDateTimeField

from accounts.access import sees_personal_data
from accounts.masking import VISIBLE_DIGITS
from agents.models import Agent
from calls import outcomes
from calls.models import Call
from calls.outcomes import Outcome
from config.paging import CURSOR_PARAMETERS, with_parameters
from config.templatetags.formats import in_zone, moment

_DIRECTIONS = (("inbound", "Inbound"), ("outbound", "Outbound"))
_TYPES = (("phone_call", "Phone"), ("web_call", "Web"))
_STATUSES = tuple(
    (value, outcomes.status(value).label)
    for value in ("ongoing", "ended", "not_connected", "error", "registered")
)
_SENTIMENTS = tuple((value, value) for value in ("Positive", "Neutral", "Negative", "Unknown"))


def _local_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


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


class CallFilter(django_filters.FilterSet):  # type: ignore[misc]  # comes without types
    """Times are read in the organization's zone, whoever looks; see `config.zones`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.request.organization.zone
        for name in ("started_after", "started_before"):
            self.filters[name].extra |= {"zone": zone, "help_text": f"Time in {zone.key}."}

    q = django_filters.CharFilter(method="search", label="Number or call ID", max_length=100)
    agent = django_filters.ModelChoiceFilter(
        queryset=lambda request: Agent.objects.for_choice(), label="Agent"
    )
    direction = django_filters.ChoiceFilter(choices=_DIRECTIONS, label="Direction")
    type = django_filters.ChoiceFilter("call_type", choices=_TYPES, label="Type")
    status = django_filters.ChoiceFilter(choices=_STATUSES, label="Status")
    reason = django_filters.CharFilter(
        "disconnection_reason", label="Disconnection reason", max_length=255
    )
    outcome = django_filters.ChoiceFilter("outcome_code", choices=Outcome.choices, label="Outcome")
    sentiment = django_filters.ChoiceFilter(
        "user_sentiment", choices=_SENTIMENTS, label="Sentiment"
    )
    revenue = django_filters.ChoiceFilter(
        method="by_revenue",
        choices=(("revenue", "Revenue"), ("test", "Test")),
        label="Revenue or test",
    )
    started_after = _TimeFilter("sort_at", "gte", label="From", widget=_local_input())
    started_before = _TimeFilter("sort_at", "lt", label="Until", widget=_local_input())
    min_duration_s = django_filters.NumberFilter(
        method="by_duration", label="At least (seconds)", min_value=0, max_value=10**6
    )

    class Meta:
        model = Call
        fields: tuple[str, ...] = ()

    def search(self, queryset: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        """A call id, or a number with or without punctuation."""
        text = value.strip()
        digits = re.sub(r"[^\d]", "", text)
        matches = Q(retell_call_id=text)
        if len(digits) >= 3 and re.fullmatch(r"[\d\s()+.-]+", text):
            matches |= _number_matches("from_number", digits)
            matches |= _number_matches("to_number", digits)
        return queryset.filter(matches)

    def by_revenue(self, queryset: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        return queryset.filter(is_billable=value == "revenue")

    def by_duration(self, queryset: QuerySet[Call], name: str, value: Any) -> QuerySet[Call]:
        return queryset.filter(duration_ms__gte=value * 1000)


def _number_matches(column: str, digits: str) -> Q:
    """Any part of a number; who sees its last digits only finds by these, or by all of it."""
    if sees_personal_data():
        return Q(**{f"{column}__contains": digits})
    whole = Q(**{f"{column}__in": [digits, f"+{digits}"]})
    if len(digits) == VISIBLE_DIGITS:
        whole |= Q(**{f"{column}__endswith": digits})
    return whole


_OPERATORS = {"started_after": "from", "started_before": "before", "min_duration_s": "≥"}


def chips(request: HttpRequest, filters: CallFilter) -> list[dict[str, str]]:
    """The active filters, each with the URL that removes it."""
    form = filters.form
    rows = []
    for name, field in form.fields.items():
        value = form.cleaned_data.get(name) if form.is_bound else None
        if value in (None, "") or name == "q":
            continue
        rows.append(
            {
                "label": str(field.label),
                "operator": _OPERATORS.get(name, "is"),
                "value": _shown(field, value),
                "remove_url": with_parameters(request, **{name: None}),
            }
        )
    return rows


def _shown(field: forms.Field, value: Any) -> str:
    if isinstance(value, Agent):
        return value.display_name
    choices = dict(getattr(field, "choices", ()))
    if value in choices:
        return str(choices[value])
    if isinstance(value, datetime):
        return f"{moment(value, value.tzinfo)} {value.tzname()}"
    return str(value)


def ignored(request: HttpRequest, filters: CallFilter) -> list[str]:
    """What of the URL was not understood and therefore not applied, as sentences."""
    form = filters.form
    unknown = [
        name for name in request.GET if name not in form.fields and name not in CURSOR_PARAMETERS
    ]
    sentences = [f"The filter “{name[:40]}” is not known and was ignored." for name in unknown]
    for name in form.errors if form.is_bound else ():
        label = form.fields[name].label
        sentences.append(f"“{label}” was not understood and was ignored.")
    return sentences
