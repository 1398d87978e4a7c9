"""Filters of the calls list. They live in the URL, in saved views, and in jobs over calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_filters.fields import ChoiceField

from accounts.masking import VISIBLE_DIGITS, holds_number, mask
from agents.models import Agent
from calls import outcomes
from calls.models import Call, CallTag, Tag
from calls.number_filters import NumberFilters
from calls.outcomes import Outcome
from calls.querysets import CallQuerySet
from calls.search import FromItsEnd, TranscriptWords, query
from config.filtering import FilterForm, TimeFilter, as_list
from config.periods import start_of_day

_DIRECTIONS = (("inbound", _("Inbound")), ("outbound", _("Outbound")))
_TYPES = (("phone_call", _("Phone")), ("web_call", _("Web")))
_STATUSES = tuple(
    (value, outcomes.status(value).label)
    for value in ("registered", "ongoing", "ended", "not_connected", "error")
)
_SENTIMENTS = tuple((value, value) for value in ("Positive", "Neutral", "Negative", "Unknown"))
_REASONS = tuple(
    sorted(
        ((value, tagged.label) for value in outcomes.KNOWN_REASONS
         if (tagged := outcomes.disconnection(value))),
        key=lambda choice: choice[1],
    )
)  # fmt: skip
_PERIODS = (
    ("today", _("Today")),
    ("yesterday", _("Yesterday")),
    ("7d", _("Last 7 days")),
    ("30d", _("Last 30 days")),
    ("90d", _("Last 90 days")),
    ("month", _("This month")),
    ("last_month", _("Last month")),
)
_DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
_VALUE_MAX_LENGTH = 255
_MOST_KEYS = 200
_MOST_SECONDS = 10**6
_MOST_DOLLARS = 10**6
_ONLY_A_NUMBER = re.compile(r"[\d\s()+.-]+")
_LEAST_DIGITS = 3


def days_of(period: str, today: date) -> tuple[date, date]:
    """The first day of a period by name, and the day after its last."""
    tomorrow = today + timedelta(days=1)
    first_of_month = today.replace(day=1)
    if period == "yesterday":
        return today - timedelta(days=1), today
    if period == "month":
        return first_of_month, tomorrow
    if period == "last_month":
        return (first_of_month - timedelta(days=1)).replace(day=1), first_of_month
    return tomorrow - timedelta(days=_DAYS[period]), tomorrow


class _OpenChoiceField(ChoiceField):  # type: ignore[misc]  # comes without types
    """The known values to choose from; Retell may add others, and they may stand in the URL."""

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= _VALUE_MAX_LENGTH


class _OpenChoiceFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # comes without types
    field_class = _OpenChoiceField
    is_open = True


class _KeysField(forms.Field):
    """Calls that somebody ticked, by their keys."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        try:
            keys = [UUID(text) for text in value or ()]
        except ValueError:
            raise ValidationError(_("A link to a call is broken.")) from None
        if len(keys) > _MOST_KEYS:
            raise ValidationError(_("These are too many. Use a filter instead."))
        return list(dict.fromkeys(keys))


class _KeysFilter(django_filters.Filter):  # type: ignore[misc]  # comes without types
    field_class = _KeysField
    takes_several = True


def _several() -> forms.CheckboxSelectMultiple:
    return forms.CheckboxSelectMultiple()


def _no_digits(text: str) -> None:
    """What is found would tell numbers that are masked, digit by digit."""
    if any(character.isnumeric() for character in text):
        raise ValidationError(
            _("Your role shows numbers masked, so words with digits cannot be searched.")
        )


class CallFilterForm(FilterForm):
    # Those of `NumberFilters` come last.
    field_order = (
        "q", "started_after", "started_before", "period", "status", "agent", "tag", "outcome",
        "sentiment", "reason", "direction", "type", "revenue", "text", "min_duration_s",
        "max_duration_s", "min_cost", "max_cost", "call",
    )  # fmt: skip
    labels: ClassVar = {
        "started_after": _("Started"),
        "started_before": _("Started"),
        "period": _("Started"),
        "min_duration_s": _("Duration"),
        "max_duration_s": _("Duration"),
        "min_cost": _("Cost"),
        "max_cost": _("Cost"),
        "text": _("Transcript"),
    }
    operators: ClassVar = {
        "started_after": _("from"),
        "started_before": _("before"),
        "min_duration_s": "≥",
        "max_duration_s": "≤",
        "min_cost": "≥",
        "max_cost": "≤",
        "text": _("contains"),
        "q": _("contains"),
        "call": "",
    }

    def describe(self, name: str, value: Any) -> str:
        if name == "call":
            return ngettext("%(count)s call", "%(count)s calls", len(value)) % {"count": len(value)}
        if name in ("min_duration_s", "max_duration_s"):
            return _("%(number)s s") % {"number": f"{value:f}"}
        if name in ("min_cost", "max_cost"):
            return f"US${value:f}"
        return super().describe(name, value)


class CallFilter(NumberFilters):
    """Times are read in the organization's zone, whoever looks; see `config.zones`.

    `sees_personal_data`: whether numbers are found by any part, and words with digits at all.
    """

    q = django_filters.CharFilter(
        method="search",
        label=_("Number, call ID, words"),
        max_length=100,
        help_text=_(
            "A number is found by its last digits, or its first ones with the country code;"
            " at least three."
        ),
    )
    period = django_filters.ChoiceFilter(method="by_period", choices=_PERIODS, label=_("Period"))
    outcome = django_filters.MultipleChoiceFilter(
        method="by_several",
        field_name="outcome_code",
        choices=Outcome.choices,
        label=_("Outcome"),
        widget=_several(),
    )
    started_after = TimeFilter("sort_at", "gte", label=_("From"))
    started_before = TimeFilter("sort_at", "lt", label=_("Until"))
    agent = django_filters.ModelMultipleChoiceFilter(
        method="by_agent",
        queryset=lambda request: Agent.objects.for_choice().order_by("name", "retell_name"),
        label=_("Agent"),
        widget=_several(),
    )
    tag = django_filters.ModelMultipleChoiceFilter(
        method="by_tag",
        queryset=lambda request: Tag.objects.all(),
        to_field_name="name",
        label=_("Tag"),
        widget=_several(),
    )
    direction = django_filters.ChoiceFilter(choices=_DIRECTIONS, label=_("Direction"))
    type = _OpenChoiceFilter("call_type", choices=_TYPES, label=_("Type"))
    status = _OpenChoiceFilter(choices=_STATUSES, label=_("Status"))
    reason = _OpenChoiceFilter("disconnection_reason", choices=_REASONS, label=_("Ended by"))
    sentiment = _OpenChoiceFilter("user_sentiment", choices=_SENTIMENTS, label=_("Sentiment"))
    revenue = django_filters.ChoiceFilter(
        method="by_revenue",
        choices=(("revenue", _("Revenue")), ("test", _("Test"))),
        label=_("Revenue or test"),
    )
    min_duration_s = django_filters.NumberFilter(
        method="by_amount", label=_("Duration, at least (s)"), min_value=0, max_value=_MOST_SECONDS
    )
    max_duration_s = django_filters.NumberFilter(
        method="by_amount", label=_("Duration, at most (s)"), min_value=0, max_value=_MOST_SECONDS
    )
    min_cost = django_filters.NumberFilter(
        method="by_amount", label=_("Cost, at least (US$)"), min_value=0, max_value=_MOST_DOLLARS
    )
    max_cost = django_filters.NumberFilter(
        method="by_amount", label=_("Cost, at most (US$)"), min_value=0, max_value=_MOST_DOLLARS
    )
    text = django_filters.CharFilter(
        method="by_text", label=_("Words in the transcript"), max_length=200
    )

    call = _KeysFilter(method="by_key", label=_("Ticked"))

    class Meta:
        model = Call
        form = CallFilterForm
        fields: tuple[str, ...] = ()

    def __init__(
        self,
        data: Mapping[str, Any],
        queryset: Any,
        *,
        zone: tzinfo,
        sees_personal_data: bool,
        request: HttpRequest | None = None,
    ) -> None:
        super().__init__(data, queryset, zone=zone, request=request)
        self.zone = zone
        self.sees_personal_data = sees_personal_data
        if not sees_personal_data:
            self.filters["text"].extra["validators"] = [_no_digits]

    @property
    def words(self) -> str:
        """What is searched for in transcripts, to show where it stands."""
        values = self.form.values()
        searched = values.get("q", "")
        return str(values.get("text") or (searched if self._are_words(searched) else ""))

    def _are_words(self, text: str) -> bool:
        if not text or _ONLY_A_NUMBER.fullmatch(text):
            return False
        return self.sees_personal_data or not any(c.isnumeric() for c in text)

    def search(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        """A call id; the beginning or the end of a number, with or without punctuation; or words of
        the transcript."""
        text = value.strip()
        digits = re.sub(r"[^\d]", "", text)
        matches = Q(retell_call_id=text)
        if self._are_words(text):
            calls = calls.alias(words=TranscriptWords("transcript"))
            matches |= Q(words=query(text))
        elif len(digits) >= _LEAST_DIGITS:
            calls = calls.alias(
                from_number_end=FromItsEnd("from_number"), to_number_end=FromItsEnd("to_number")
            )
            for column in ("from_number", "to_number"):
                matches |= self._has_number(column, digits, is_beginning=text.startswith("+"))
        return calls.filter(matches)

    def _has_number(self, column: str, digits: str, *, is_beginning: bool) -> Q:
        """The first digits of a number, or its last ones: both by an index, at any number of calls.

        Who sees its last digits only finds by these, or by all of it.
        """
        end = Q(**{f"{column}_end__startswith": digits[::-1]})
        if self.sees_personal_data:
            beginning = Q(**{f"{column}__startswith": f"+{digits}"})
            return beginning if is_beginning else beginning | end
        whole = Q(**{f"{column}__in": [digits, f"+{digits}"]})
        return whole | end if len(digits) == VISIBLE_DIGITS else whole

    def by_text(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        found: CallQuerySet = calls.alias(spoken=TranscriptWords("transcript"))
        return found.filter(spoken=query(value))

    def by_key(self, calls: CallQuerySet, name: str, value: list[UUID]) -> CallQuerySet:
        return calls.filter(pk__in=value) if value else calls

    def by_period(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        start, end = self.span(value)
        return calls.filter(sort_at__gte=start, sort_at__lt=end)

    def span(self, period: str) -> tuple[datetime, datetime]:
        """From when until before when a period by name lasts, by today's date in the zone."""
        first, after = days_of(period, timezone.localdate(timezone=self.zone))
        return start_of_day(first, self.zone), start_of_day(after, self.zone)

    def by_several(self, calls: CallQuerySet, name: str, value: list[str]) -> CallQuerySet:
        return calls.filter(**{f"{name}__in": value}) if value else calls

    def by_agent(self, calls: CallQuerySet, name: str, value: list[Agent]) -> CallQuerySet:
        ids = [agent.retell_agent_id for agent in value]
        return calls.filter(agent_id__in=ids) if ids else calls

    def by_tag(self, calls: CallQuerySet, name: str, value: list[Tag]) -> CallQuerySet:
        """Calls with any of the tags."""
        chosen = [tag.pk for tag in value]
        tagged = CallTag.objects.filter(call=OuterRef("pk"), tag__in=chosen)
        return calls.filter(Exists(tagged)) if chosen else calls

    def by_revenue(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.filter(is_billable=value == "revenue")

    def by_amount(self, calls: CallQuerySet, name: str, value: Any) -> CallQuerySet:
        column, factor = ("cost_cents", 100) if name.endswith("cost") else ("duration_ms", 1000)
        lookup = "gte" if name.startswith("min_") else "lte"
        return calls.filter(**{f"{column}__{lookup}": value * factor})

    def canonical(self) -> list[tuple[str, str]]:
        """What was understood, as parameters that mean the same again, in a fixed order."""
        return [
            (name, text)
            for name, value in self.form.values().items()
            for text in sorted(self._as_parameter(name, one) for one in as_list(value))
        ]

    def _as_parameter(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return value.isoformat(timespec="seconds")
        if isinstance(value, Agent):
            return str(value.pk)
        return f"{value:f}" if name.startswith(("min_", "max_")) else str(value)


def masked(name: str, text: str) -> str:
    """A shown value for the log, where a number that somebody searched for has no place."""
    if name in ("q", "text") and (_ONLY_A_NUMBER.fullmatch(text) or holds_number(text)):
        return mask(re.sub(r"\D", "", text))
    return text
