"""Periods that numbers are of, in the organization's time zone; see `config.zones`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.paging import with_parameters

DEFAULT = "7d"
CUSTOM = "custom"
_DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
LABELS = {
    "today": gettext_lazy("Today"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
}
MOST_DAYS = 732
EARLIEST = date(2000, 1, 1)
# More days than this are shown week by week.
MOST_DAYS_BY_DAY = 120
PARAMETERS = ("period", "first", "last", "compare")


@dataclass(frozen=True, slots=True)
class Slice:
    """One bar of a chart over time: an hour, a day or a week of a period, in UTC."""

    start: datetime
    end: datetime
    unit: str


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, the last one included; days with a clock change have 23 or 25 hours.

    `until` ends it early: what a running period is compared with is as long as that is by now.
    """

    key: str
    first_day: date
    last_day: date
    zone: ZoneInfo
    until: datetime | None = None

    @property
    def start(self) -> datetime:
        return start_of_day(self.first_day, self.zone)

    @property
    def end(self) -> datetime:
        return self.until or start_of_day(self.last_day + timedelta(days=1), self.zone)

    @property
    def days(self) -> list[date]:
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=number) for number in range(count)]

    @property
    def parameters(self) -> dict[str, str]:
        """What names it in a URL."""
        if self.key != CUSTOM:
            return {"period": self.key}
        dates = {"first": self.first_day.isoformat(), "last": self.last_day.isoformat()}
        return {"period": CUSTOM, **dates}

    @property
    def call_filter(self) -> dict[str, str]:
        """For the URL of the list of calls that began in it; see `calls.filters`."""
        return call_filter(self.start, self.end, self.zone)

    def before(self, now: datetime | None = None) -> Period:
        """As many days, just before. While the period runs (`now`), up to the same time of day."""
        length = timedelta(days=len(self.days))
        earlier = replace(
            self, first_day=self.first_day - length, last_day=self.last_day - length, until=None
        )
        if now is None or not self.start <= now < self.end:
            return earlier
        same_time = now.astimezone(self.zone).replace(tzinfo=None) - length
        return replace(earlier, until=same_time.replace(tzinfo=self.zone).astimezone(UTC))

    @property
    def slices(self) -> list[Slice]:
        """Hours of one day, days, or weeks from Monday; together they are the whole period."""
        if len(self.days) == 1:
            return self._hours()
        if len(self.days) <= MOST_DAYS_BY_DAY:
            return self._sliced("day", self.days)
        mondays = [day for day in self.days if day.weekday() == 0 or day == self.first_day]
        return self._sliced("week", mondays)

    def _hours(self) -> list[Slice]:
        """Counted from midnight, so that an hour that comes twice is two of them."""
        hour, starts = timedelta(hours=1), [self.start]
        while starts[-1] + hour < self.end:
            starts.append(starts[-1] + hour)
        return self._between("hour", starts)

    def _sliced(self, unit: str, days: list[date]) -> list[Slice]:
        return self._between(unit, [start_of_day(day, self.zone) for day in days])

    def _between(self, unit: str, starts: list[datetime]) -> list[Slice]:
        ends = [*starts[1:], self.end]
        return [Slice(start, end, unit) for start, end in zip(starts, ends, strict=True)]


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """In UTC. Where the clocks skip midnight, the moment at which they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def call_filter(start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, str]:
    """For the URL of the list of calls that began in between; see `calls.filters`."""
    return {"started_after": _written(start, zone), "started_before": _written(end, zone)}


def _written(when: datetime, zone: ZoneInfo) -> str:
    """As filters take a time: without an offset, unless the clock shows it twice."""
    local = when.astimezone(zone)
    text = f"{local:%Y-%m-%dT%H:%M}" if not local.second else f"{local:%Y-%m-%dT%H:%M:%S}"
    is_clear = local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset()
    return text if is_clear else local.isoformat(timespec="seconds")


def day_input() -> forms.DateInput:
    """The browser's own field for a day."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class CustomPeriodForm(forms.Form):
    """Two days of somebody's own choice, both included."""

    first = forms.DateField(label=gettext_lazy("First day"), widget=day_input())
    last = forms.DateField(label=gettext_lazy("Last day"), widget=day_input())

    def __init__(
        self, data: Mapping[str, Any] | None, *, today: date, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.today = today

    def _known_day(self, name: str) -> date:
        day: date = self.cleaned_data[name]
        if day > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        if day < EARLIEST:
            raise forms.ValidationError(_("There are no calls from before the year 2000."))
        return day

    def clean_first(self) -> date:
        return self._known_day("first")

    def clean_last(self) -> date:
        last = self._known_day("last")
        first = self.cleaned_data.get("first")
        if first and last < first:
            raise forms.ValidationError(_("The last day lies before the first."))
        if first and (last - first).days >= MOST_DAYS:
            raise forms.ValidationError(
                _("At most %(days)s days can be shown at once.") % {"days": MOST_DAYS}
            )
        return last


@dataclass(frozen=True, slots=True)
class Choice:
    """The period that a URL names, and the form of a custom one, with what is wrong in it."""

    period: Period
    form: CustomPeriodForm
    compares: bool

    @property
    def is_wrong(self) -> bool:
        """Two days were asked for that make no period."""
        return self.form.is_bound and bool(self.form.errors)


def read(parameters: Mapping[str, str], *, now: datetime, zone: ZoneInfo) -> Choice:
    """The period of a URL; the default one for whatever names none."""
    today = now.astimezone(zone).date()
    compares = parameters.get("compare") != "no"
    key = parameters.get("period", "")
    if key == CUSTOM:
        form = CustomPeriodForm(parameters, today=today)
        if form.is_valid():
            first, last = form.cleaned_data["first"], form.cleaned_data["last"]
            return Choice(Period(CUSTOM, first, last, zone), form, compares)
        return Choice(period("", now=now, zone=zone), form, compares)
    found = period(key, now=now, zone=zone)
    shown = {"first": found.first_day, "last": found.last_day}
    return Choice(found, CustomPeriodForm(None, today=today, initial=shown), compares)


def choices(
    request: HttpRequest, chosen: Period, keys: tuple[str, ...] = ("today", "7d", "30d")
) -> list[dict[str, Any]]:
    """For `components/segmented.html`."""
    return [
        {
            "key": key,
            "label": LABELS[key],
            "url": with_parameters(request, period=key, first=None, last=None),
            "current": key == chosen.key,
        }
        for key in keys
    ]


def period(key: str, *, now: datetime, zone: ZoneInfo) -> Period:
    """The period named `key`; the default one for a name that is not known."""
    key = key if key in _DAYS else DEFAULT
    today = now.astimezone(zone).date()
    return Period(key, today - timedelta(days=_DAYS[key] - 1), today, zone)
