"""Periods that numbers are of, in the organization's time zone; see `config.zones`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from config.paging import with_parameters

DEFAULT = "7d"
_DAYS = {"today": 1, "7d": 7, "30d": 30}
LABELS = {"today": "Today", "7d": "7 days", "30d": "30 days"}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days up to and including today; days with a clock change have 23 or 25 hours."""

    key: str
    first_day: date
    last_day: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first_day, time.min, self.zone)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last_day + timedelta(days=1), time.min, self.zone)

    @property
    def days(self) -> list[date]:
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=number) for number in range(count)]

    @property
    def call_filter(self) -> dict[str, str]:
        """For the URL of the list of calls that began in it; see `calls.filters`."""
        return {
            "started_after": f"{self.start:%Y-%m-%dT%H:%M}",
            "started_before": f"{self.end:%Y-%m-%dT%H:%M}",
        }

    def before(self) -> Period:
        """As many days, just before."""
        length = timedelta(days=len(self.days))
        return Period(self.key, self.first_day - length, self.last_day - length, self.zone)


def choices(request: HttpRequest, chosen: Period) -> list[dict[str, Any]]:
    """For `components/segmented.html`."""
    return [
        {
            "key": key,
            "label": label,
            "url": with_parameters(request, period=key),
            "current": key == chosen.key,
        }
        for key, label in LABELS.items()
    ]


def period(key: str, *, now: datetime, zone: ZoneInfo) -> Period:
    """The period named `key`; the default one for a name that is not known."""
    key = key if key in _DAYS else DEFAULT
    today = now.astimezone(zone).date()
    return Period(key, today - timedelta(days=_DAYS[key] - 1), today, zone)
