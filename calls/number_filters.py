"""Filters by which the numbers of the overview lead to the calls behind them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import F, Func, JSONField, Q, QuerySet, Value
from django.db.models.fields import BooleanField
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from calls import costs
from calls.models import Call
from config.filtering import ListFilter
from config.templatetags.formats import hour

# As PostgreSQL and ISO 8601 count them: Monday is 1.
_WEEKDAYS = [(str(at + 1), name) for at, name in WEEKDAYS.items()]
_HAS_LINE = '$.product_costs[*] ? (@.product {} && @.cost.type() == "number")'


class NumberFilters(ListFilter):
    """Weekday and hour are of the organization's clock, as on the overview."""

    weekday = django_filters.ChoiceFilter(
        method="by_weekday", choices=_WEEKDAYS, label=_("Weekday")
    )
    hour = django_filters.ChoiceFilter(method="by_hour", choices=(), label=_("Hour of day"))
    product = django_filters.CharFilter(
        method="by_product", label=_("With a cost line for"), max_length=255
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = kwargs["zone"]
        if "hour" not in self.filters:  # chats have none
            return
        self.filters["hour"].extra["choices"] = [
            (str(number), hour(number)) for number in range(24)
        ]

    def by_weekday(self, queryset: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        weekday = ExtractIsoWeekDay("sort_at", tzinfo=self.zone)
        return queryset.alias(weekday_=weekday).filter(weekday_=int(value))

    def by_hour(self, queryset: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        return queryset.alias(hour_=ExtractHour("sort_at", tzinfo=self.zone)).filter(
            hour_=int(value)
        )

    def by_product(self, queryset: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        """A group of products by the name it has on pages, or one product by its own."""
        lines = Q(_has_line("== $name", value))
        for prefix in costs.prefixes(value):
            lines |= Q(_has_line("starts with $name", prefix))
        return queryset.filter(lines)


def _has_line(condition: str, name: str) -> Func:
    path = Value(_HAS_LINE.format(condition))
    return Func(
        F("cost"),
        Func(path, template="(%(expressions)s)::jsonpath"),
        Value({"name": name}, JSONField()),
        function="jsonb_path_exists",
        output_field=BooleanField(),
    )
