"""The operator's list of organizations: read from shared tables, a few queries for any number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Page, Paginator
from django.db import models
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from agents.presentation import Attention, attention_of
from config.filtering import FilterForm
from config.paging import with_parameters
from config.templatetags.formats import money, number
from operations.models import HealthLevel, OrganizationHealth, UsageDay
from tenants.models import Organization, OrganizationStatus

A_PAGE = 50
SHOWN_DAYS = 7
BAR_DAYS = 14
AMOUNT: models.Field[Any, Any] = models.DecimalField(max_digits=30, decimal_places=10)

# Column → (heading, order); the first of them is how the list opens.
SORTS: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "name": (_("Organization"), (F("name").asc(),)),
    "calls": (_("7 days"), (F("week_calls").desc(), "name")),
    "cost": (_("Cost, 7 days"), (F("week_cost_cents").desc(), "name")),
    "errors": (_("Errors today"), (F("errors_today").desc(nulls_last=True), "name")),
    "last_event": (_("Last event"), (F("health__last_event_at").desc(nulls_last=True), "name")),
}


class OrganizationFilterForm(FilterForm):
    """What the list is narrowed to."""

    q = forms.CharField(max_length=100, required=False, label=_("Name or address"))
    status = forms.ChoiceField(
        choices=[("", _("Any")), *OrganizationStatus.choices], required=False, label=_("Status")
    )
    health = forms.ChoiceField(
        choices=[("", _("Any")), *HealthLevel.choices], required=False, label=_("Health")
    )

    def matching(self, organizations: QuerySet[Organization]) -> QuerySet[Organization]:
        chosen = self.values()
        if text := chosen.get("q", "").strip():
            organizations = organizations.filter(Q(name__icontains=text) | Q(slug__icontains=text))
        if status := chosen.get("status"):
            organizations = organizations.filter(status=status)
        if level := chosen.get("health"):
            organizations = organizations.filter(health__level=level)
        return organizations


@dataclass(frozen=True, slots=True)
class Row:
    """One organization with what was measured of it."""

    organization: Organization
    health: OrganizationHealth | None
    bars: list[int]
    users: int
    calls: int
    cost_cents: Decimal

    @property
    def findings(self) -> Attention | None:
        return findings(self.health)

    @property
    def is_well(self) -> bool:
        return self.health is None or self.health.level in (HealthLevel.OK, HealthLevel.IDLE)


def findings(health: OrganizationHealth | None) -> Attention | None:
    """What the guardian found, as a badge."""
    if health is None or not health.findings:
        return None
    return attention_of(health.findings, health.findings_tone)


class _WeekAgo(models.Func):
    """The first of the shown days, on the clock of each organization."""

    template = f"((now() AT TIME ZONE %(expressions)s)::date - {SHOWN_DAYS - 1})"
    output_field = models.DateField()


def _week(column: str) -> Coalesce:
    """A sum of the shown days."""
    since = _WeekAgo(OuterRef("time_zone"))
    days = UsageDay.objects.filter(organization=OuterRef("pk"), day__gte=since).order_by()
    total = days.values("organization").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(total), Decimal(0), output_field=AMOUNT)


def organizations() -> QuerySet[Any]:
    """All of them, with what the list sorts by."""
    members = (
        Organization.objects.filter(pk=OuterRef("pk")).order_by().values("pk")
        .annotate(found=Count("memberships")).values("found")
    )  # fmt: skip
    return Organization.objects.select_related("health").annotate(
        users=Subquery(members),
        week_calls=_week("calls"),
        week_cost_cents=_week("cost_cents"),
        errors_today=F("health__quarantined") + F("health__failed") + F("health__refused"),
    )


def usage_between(first: date, last: date) -> QuerySet[Any]:
    """All organizations, the newest first, with `sum_…` of their days from `first` to `last`."""

    def total(column: str) -> Coalesce:
        days = UsageDay.objects.filter(organization=OuterRef("pk"), day__range=(first, last))
        sums = days.order_by().values("organization").annotate(total=Sum(column)).values("total")
        return Coalesce(Subquery(sums), Decimal(0), output_field=AMOUNT)

    columns = ("calls", "test_calls", "duration_ms", "cost_cents")
    return Organization.objects.order_by("-id").annotate(
        **{f"sum_{column}": total(column) for column in columns}
    )


def page(request: HttpRequest, form: OrganizationFilterForm) -> Page[Any]:
    _heading, order = SORTS[sort_of(request)]
    found = form.matching(organizations()).order_by(*order, "pk")
    return Paginator(found, A_PAGE).get_page(request.GET.get("page"))


def sort_of(request: HttpRequest) -> str:
    name = request.GET.get("sort", "")
    return name if name in SORTS else next(iter(SORTS))


def count_text(shown: Page[Any]) -> str:
    """ "50 of 1,234 organizations"."""
    total = shown.paginator.count
    words = ngettext(
        "%(shown)s of %(total)s organization", "%(shown)s of %(total)s organizations", total
    )
    return words % {"shown": number(len(shown.object_list)), "total": number(total)}


def neighbours(request: HttpRequest, shown: Page[Any]) -> dict[str, str | None]:
    """URLs of the pages beside this one."""

    def url(at: int) -> str:
        return with_parameters(request, page=str(at))

    return {
        "newer_url": url(shown.previous_page_number()) if shown.has_previous() else None,
        "older_url": url(shown.next_page_number()) if shown.has_next() else None,
    }


def kpis() -> list[dict[str, Any]]:
    """All organizations together, in one query."""
    wanted = Q(health__level__in=[HealthLevel.BAD, HealthLevel.WARN])
    total = organizations().aggregate(
        active=Count("pk", filter=Q(status=OrganizationStatus.ACTIVE)),
        need=Count("pk", filter=wanted),
        errors=Coalesce(Sum("errors_today"), 0),
        people=Coalesce(Sum("users"), 0),
        calls=Coalesce(Sum("week_calls"), Decimal(0), output_field=AMOUNT),
        cost_cents=Coalesce(Sum("week_cost_cents"), Decimal(0), output_field=AMOUNT),
    )
    return [
        {"label": _("Active organizations"), "value": number(total["active"])},
        {"label": _("To look at"), "value": number(total["need"])},
        {"label": _("Users"), "value": number(total["people"])},
        {"label": _("Errors today"), "value": number(total["errors"])},
        {"label": _("Calls, 7 days"), "value": number(int(total["calls"]))},
        {"label": _("Cost, 7 days"), "value": money(total["cost_cents"])},
    ]


def at_a_glance(organization: Organization) -> dict[str, Any]:
    """The same of one organization, for its page."""
    (one,) = rows(organizations().filter(pk=organization.pk))
    return {"glance": one}


def headings(request: HttpRequest) -> dict[str, dict[str, Any]]:
    """Per column that the list can be sorted by: its words, its link, whether it is."""
    current = sort_of(request)
    return {
        name: {
            "label": label,
            "url": with_parameters(request, sort=name, page=None),
            "current": name == current,
        }
        for name, (label, _order) in SORTS.items()
    }


def rows(shown: Iterable[Any]) -> list[Row]:
    """With the bars of the organizations on this page, in one query."""
    shown = list(shown)
    bars = bars_of(shown)
    return [
        Row(
            organization=one,
            health=health_of(one),
            bars=bars[one.pk],
            users=one.users,
            calls=int(one.week_calls),
            cost_cents=one.week_cost_cents,
        )
        for one in shown
    ]


def health_of(organization: Organization) -> OrganizationHealth | None:
    """None before it was measured."""
    return getattr(organization, "health", None)


def bars_of(organizations: Iterable[Organization]) -> dict[Any, list[int]]:
    """Calls of each of the last days, on each organization's own clock."""
    ends = {one.pk: _today(one.zone) for one in organizations}
    bars = {pk: [0] * BAR_DAYS for pk in ends}
    if not ends:
        return bars
    since = min(ends.values()) - timedelta(days=BAR_DAYS - 1)
    for day in UsageDay.objects.filter(organization__in=list(ends), day__gte=since):
        at = BAR_DAYS - 1 - (ends[day.organization_id] - day.day).days
        if 0 <= at < BAR_DAYS:
            bars[day.organization_id][at] = day.calls
    return bars


def _today(zone: ZoneInfo) -> date:
    return timezone.now().astimezone(zone).date()
