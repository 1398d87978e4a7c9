"""Whose clock a time is read from.

A moment (when a call began, when somebody signed in) is shown on the clock of the person who
looks: their own zone, or the organization's when they chose none. `accounts.middleware` activates
it for the request, and pages name it. In the title of each moment stands the organization's clock,
too, so that people in different places can speak of one call.

A day is the organization's: the days, weekdays and hours of the overview and its charts
(`config.periods`), and the dates typed into filters (`calls.filters`). Else one day would hold
other calls for each person, and a link to it would show them something else. The audit log is
read in the organization's zone as a whole (`audit.views`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

_of_organization: ContextVar[ZoneInfo | None] = ContextVar("organization_zone", default=None)


@contextmanager
def of_organization(zone: ZoneInfo) -> Iterator[None]:
    """For a request of one organization: titles of times name its clock."""
    token = _of_organization.set(zone)
    try:
        yield
    finally:
        _of_organization.reset(token)


def organization_zone() -> ZoneInfo | None:
    """None on the operator host."""
    return _of_organization.get()


@cache
def names() -> tuple[str, ...]:
    """UTC, then the zones that are named after a place."""
    places = (name for name in available_timezones() if "/" in name and name[0].isupper())
    return ("UTC", *sorted(places))


@cache
def _by_folded_name() -> dict[str, str]:
    return {name.casefold(): name for name in names()}


def find(text: str) -> str | None:
    """The zone somebody means by "europe/london" or "new york"; None when it is not clear."""
    folded = text.strip().casefold().replace(" ", "_")
    if exact := _by_folded_name().get(folded):
        return exact
    cities = [name for key, name in _by_folded_name().items() if key.endswith(f"/{folded}")]
    return cities[0] if folded and len(cities) == 1 else None


def shown() -> str:
    """The name of the zone that times are shown in now."""
    return str(timezone.get_current_timezone())
