"""What a file says of itself: its name, its filter, its zone, how complete it is, its totals."""

from __future__ import annotations

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from django.utils.text import slugify
from django.utils.translation import gettext as _

from config.templatetags import formats
from exports.models import Export
from exports.subjects import Subject
from exports.totals import Totals, plain
from tenants.models import Organization

EXTENSIONS = {"csv": "csv", "xlsx": "xlsx", "pdf": "pdf"}


def file_name(export: Export, organization: Organization, extension: str) -> str:
    """`calls-maple-dental-2026-11-24-1405.csv`, by the clock of the export's zone."""
    asked = export.asked_at.astimezone(ZoneInfo(export.zone))
    owner = slugify(organization.slug) or "organization"
    return f"{export.subject}-{owner}-{asked:%Y-%m-%d-%H%M}.{extension}"


def moment(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def about(export: Export, organization: Organization) -> list[tuple[str, str]]:
    """Label and text, a line each."""
    zone = ZoneInfo(export.zone)
    filters = [(_("Filter"), f"{text}") for text in export.filters]
    return [
        (_("Organization"), organization.name),
        *(filters or [(_("Filter"), str(export.about.everything))]),
        (_("Time zone"), export.zone),
        (_("Asked for"), f"{moment(export.asked_at, zone)}, {export.asked_by}"),
        *(_about_calls(export, zone) if export.subject == Subject.CALLS else []),
        (_("Cost"), _("US dollars, as Retell reported it")),
    ]


def _about_calls(export: Export, zone: tzinfo) -> list[tuple[str, str]]:
    return [
        (_("Complete up to"), complete(export, zone)),
        *([(_("Last comparison"), export.compared_text)] if export.compared_text else []),
        (_("Phone numbers"), _("whole") if export.whole_numbers else _("masked")),
    ]


def complete(export: Export, zone: tzinfo) -> str:
    if export.complete_until is None:
        return _("never compared with Retell’s list of calls")
    until = moment(export.complete_until, zone)
    return f"{until}; {export.missing_text}" if export.missing_text else until


def totals_lines(
    export: Export, totals: Totals, organization: Organization
) -> list[tuple[str, str]]:
    """Chats have no minutes."""
    minutes = (_("Minutes"), formats.grouped(totals.minutes, 1).replace(",", ""))
    return [
        (export.about_label, str(totals.calls)),
        *([minutes] if export.subject == Subject.CALLS else []),
        (_("Cost (USD)"), str(plain(totals.cost_cents / 100))),
        *converted(totals, organization),
    ]


def converted(totals: Totals, organization: Organization) -> list[tuple[str, str]]:
    """What it costs in the currency that pages show, and at which rate; none for US dollars.

    Only the total: each call rounded by itself would add up to another one.
    """
    rate = organization.shown_rate
    if rate is None:
        return []
    amount = formats.grouped(totals.cost_cents / 100 * rate.per_dollar, rate.places(2))
    text = _("≈ %(amount)s, at %(rate)s for a US dollar, used since %(since)s (%(source)s)") % {
        "amount": amount.replace(",", ""),
        "rate": plain(rate.per_dollar),
        "since": rate.since.isoformat(),
        "source": rate.source,
    }
    return [(_("Cost (%(currency)s)") % {"currency": rate.currency}, text)]
