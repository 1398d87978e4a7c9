"""Filters of the call list. They live in the URL."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.access import sees_personal_data
from accounts.masking import VISIBLE_DIGITS
from agents.models import Agent
from calls import outcomes
from calls.models import Call
from calls.number_filters import NumberFilters
from calls.outcomes import Outcome
from config.filtering import FilterForm, TimeFilter

_DIRECTIONS = (("inbound", "Inbound"), ("outbound", "Outbound"))
_TYPES = (("phone_call", "Phone"), ("web_call", "Web"))
_STATUSES = tuple(
    (value, outcomes.status(value).label)
    for value in ("ongoing", "ended", "not_connected", "error", "registered")
)
_SENTIMENTS = tuple((value, value) for value in ("Positive", "Neutral", "Negative", "Unknown"))


class CallFilterForm(FilterForm):
    operators: ClassVar = {
        "started_after": _("from"),
        "started_before": _("before"),
        "min_duration_s": "≥",
    }


class CallFilter(NumberFilters):
    """Times are read in the organization's zone, whoever looks; see `config.zones`."""

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
    started_after = TimeFilter("sort_at", "gte", label="From")
    started_before = TimeFilter("sort_at", "lt", label="Until")
    min_duration_s = django_filters.NumberFilter(
        method="by_duration", label="At least (seconds)", min_value=0, max_value=10**6
    )

    class Meta:
        model = Call
        form = CallFilterForm
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
