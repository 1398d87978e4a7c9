"""Usage: the overview's figures, over time or by agent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import MemberRequest
from accounts.scopes import Scope
from agents.models import Agent
from analytics import overview
from analytics.overview import Sums
from calls.outcomes import Outcome
from config import periods
from config.api.operations import Operation
from config.api.problems import error, invalid_parameters
from config.api.serializers import MoneySerializer, money
from config.api.views import ApiView
from config.periods import MOST_DAYS_BY_DAY, Period

BY = ("day", "hour", "agent")
MOST_DAYS_BY_HOUR = 31
FIGURES = {
    "calls": 42,
    "successful_calls": 30,
    "answer_rate": 0.952,
    "success_rate": 0.811,
    "duration_ms": 5412000,
    "cost": {"amount": "7.8132", "currency": "USD"},
}
EXAMPLE = {
    "first": "2026-11-11",
    "last": "2026-11-12",
    "time_zone": "America/New_York",
    "total": FIGURES,
    "data": [
        {
            "start": "2026-11-11T00:00:00-05:00",
            "end": "2026-11-12T00:00:00-05:00",
            "agent": None,
            **FIGURES,
        }
    ],
}


class FiguresSerializer(serializers.Serializer[Any]):
    calls = serializers.IntegerField()
    successful_calls = serializers.IntegerField()
    answer_rate = serializers.FloatField(allow_null=True, help_text="0 to 1; null without calls.")
    success_rate = serializers.FloatField(allow_null=True, help_text="Of calls that were judged.")
    duration_ms = serializers.IntegerField()
    cost = MoneySerializer()


class RowSerializer(FiguresSerializer):
    """Of a day or an hour (`start` to `end`), or of an agent."""

    start = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)
    agent = serializers.CharField(allow_null=True, help_text="Its id in Retell; empty: of none.")


class UsageSerializer(serializers.Serializer[Any]):
    first = serializers.DateField(help_text="The first day, on the organization's clock.")
    last = serializers.DateField()
    time_zone = serializers.CharField()
    total = FiguresSerializer()
    data: Any = RowSerializer(many=True)


class Usage(ApiView):
    tag = "usage"
    parameters = {
        "period": "today, 7d (as without), 30d, 90d; or custom with first and last.",
        "first": "First day, as 2026-11-01.",
        "last": "Last day, included.",
        "by": "day (as without), hour or agent.",
        "agent": "Of one agent only: its id, or its id in Retell.",
    }
    operations = {
        "GET": Operation("get_usage", Scope.USAGE_READ, gives=UsageSerializer, example=EXAMPLE)
    }

    def get(self, request: Request) -> Response:
        """Calls, minutes, success and cost over time.

        The overview's figures, on the organization's clock: days with a clock change have 23 or 25
        hours. By hour for up to 31 days at once."""
        self.check_parameters()
        by = self._by()
        period, agent = self._period(by), self._agent()
        rows = by_agent(period, agent) if by == "agent" else over_time(period, by, agent)
        answer = {
            "first": period.first_day,
            "last": period.last_day,
            "time_zone": period.zone.key,
            "total": figures(overview.totals(period, agent)),
            "data": rows,
        }
        return Response(UsageSerializer(answer).data)

    def _by(self) -> str:
        by = self.asked.GET.get("by", "day")
        if by not in BY:
            raise invalid_parameters([error("by", _("Write day, hour or agent."))])
        return by

    def _period(self, by: str) -> Period:
        parameters = self.asked.GET.dict()
        has_days = "first" in parameters or "last" in parameters
        if has_days and parameters.setdefault("period", periods.CUSTOM) != periods.CUSTOM:
            sentence = _("With first and last, leave it out, or write custom.")
            raise invalid_parameters([error("period", sentence)])
        key = parameters.setdefault("period", periods.DEFAULT)
        zone = cast(MemberRequest, self.asked).organization.zone
        choice = periods.read(parameters, now=timezone.now(), zone=zone)
        if key != periods.CUSTOM and key not in periods.LABELS:
            raise invalid_parameters([error("period", _("There is no such period."))])
        if choice.is_wrong:
            raise invalid_parameters(
                [
                    error(name, str(message))
                    for name, messages in choice.form.errors.items()
                    for message in messages
                ]
            )
        if by == "hour" and len(choice.period.days) > MOST_DAYS_BY_HOUR:
            sentence = _("By hour there are at most %(days)s days at once.")
            raise invalid_parameters([error("by", sentence % {"days": MOST_DAYS_BY_HOUR})])
        return choice.period

    def _agent(self) -> str | None:
        text = self.asked.GET.get("agent", "")
        if not text:
            return None
        try:
            named = Q(pk=UUID(text))
        except ValueError:
            named = Q(retell_agent_id=text)
        found = Agent.objects.for_choice().filter(named).first()
        if found is None:
            raise invalid_parameters([error("agent", _("There is no such agent."))])
        return found.retell_agent_id


def figures(sums: Sums) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "successful_calls": sums.outcomes[Outcome.SUCCESSFUL],
        "answer_rate": sums.answer_rate,
        "success_rate": sums.success_rate,
        "duration_ms": sums.duration_ms,
        "cost": money(sums.cost_cents),
    }


def over_time(period: Period, by: str, agent: str | None) -> list[dict[str, Any]]:
    return [
        {
            "start": timezone.localtime(one.start, period.zone),
            "end": timezone.localtime(one.end, period.zone),
            "agent": agent,
            **figures(sums),
        }
        for piece in _pieces(period, 1 if by == "hour" else MOST_DAYS_BY_DAY)
        for one, sums in zip(_slices(piece, by), _sums(piece, by, agent), strict=True)
    ]


def _slices(piece: Period, by: str) -> Any:
    return [_whole(piece)] if _is_single(piece, by) else piece.slices


def _sums(piece: Period, by: str, agent: str | None) -> list[Sums]:
    if _is_single(piece, by):
        return [overview.totals(piece, agent)]
    return overview.over_time(piece, agent)


def _is_single(piece: Period, by: str) -> bool:
    """A period of one day would be cut into its hours."""
    return by == "day" and len(piece.days) == 1


def _whole(piece: Period) -> periods.Slice:
    return periods.Slice(piece.start, piece.end, "day")


def _pieces(period: Period, days: int) -> Iterator[Period]:
    """Parts that are short enough to be cut into days, or hours."""
    first = period.first_day
    while first <= period.last_day:
        last = min(first + timedelta(days=days - 1), period.last_day)
        yield replace(period, key=periods.CUSTOM, first_day=first, last_day=last)
        first = last + timedelta(days=1)


def by_agent(period: Period, agent: str | None) -> list[dict[str, Any]]:
    return [
        {"start": None, "end": None, "agent": key, **figures(sums)}
        for key, sums in overview.by_agent(period, agent).items()
    ]
