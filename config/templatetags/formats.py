"""How numbers, money, durations, phone numbers and times look on a page.

Every filter answers an em dash for a missing value and never prints "None" or "NaN".
"""

import math
import re
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config import currencies, zones

register = template.Library()

MISSING = "—"
MINUS = "−"
# Longer numbers are shown as powers of ten; they would break any column.
MAX_SHOWN_DIGITS = 20
MAX_EXPONENT = 400
NORTH_AMERICAN_NUMBER = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")


def to_decimal(value: Any) -> Decimal | None:
    """A finite Decimal, or None for anything that is not a number one could show."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MAX_EXPONENT else None


def grouped(number: Decimal, places: int) -> str:
    """Thousands separators, a true minus, no minus before zero."""
    if number.adjusted() >= MAX_SHOWN_DIGITS:
        return f"{number:.2e}".replace("-", MINUS)
    rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else ""
    return f"{sign}{abs(rounded):,.{places}f}"


@register.filter
def dash(value: Any) -> Any:
    """The value, or an em dash when there is none."""
    return MISSING if value is None or value == "" else value


@register.filter
def number(value: Any, places: int = 0) -> str:
    """12480 -> "12,480"; -3.5 with one place -> "−3.5"."""
    parsed = to_decimal(value)
    return MISSING if parsed is None else grouped(parsed, places)


@register.filter
def short_number(value: Any) -> str:
    """Axis labels: 400, 1.5k, 20k, 3M."""
    parsed = to_decimal(value)
    if parsed is None:
        return MISSING
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if abs(parsed) >= size:
            return f"{trimmed(parsed / size)}{suffix}"
    return trimmed(parsed)


def trimmed(number: Decimal) -> str:
    """At most one decimal, and none when it would be a zero."""
    return grouped(number, 1).removesuffix(".0")


@register.filter
def money(cents: Any, places: int = 2) -> str:
    """US cents, as Retell reports cost: 18.34 -> "$0.18", with four places "$0.1834".

    On pages of an organization that shows another currency "≈ €0.17", with the dollars in its
    title; see `config.currencies`.
    """
    parsed = to_decimal(cents)
    if parsed is None:
        return MISSING
    rate = currencies.rate_to_show()
    if rate is None:
        return _amount("$", parsed / 100, places)
    return format_html(
        '<span title="{}">≈ {}</span>',
        _("%(amount)s, as Retell reported it") % {"amount": _amount("US$", parsed / 100, places)},
        _amount(rate.symbol, parsed / 100 * rate.per_dollar, rate.places(places)),
    )


def _amount(symbol: str, amount: Decimal, places: int) -> str:
    text = grouped(amount, places)
    return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"


@register.simple_tag
def rate_note() -> str:
    """What the ≈ of a page's amounts means; nothing where none stands."""
    rate = currencies.used_rate()
    if rate is None:
        return ""
    parts = {
        "currency": rate.currency,
        "rate": f"{rate.per_dollar.normalize():f}",
        "since": day(rate.since, with_year=True),
        "source": rate.source,
    }
    text = _(
        "Amounts marked ≈ are US dollars shown in %(currency)s: 1 US dollar = %(rate)s %(currency)s"
        " for calls of any day, the rate used since %(since)s (%(source)s). Retell bills in"
        " US dollars; filters and exports are in them."
    )
    return format_html('<p class="rate-note">{}</p>', text % parts)


@register.filter
def duration(milliseconds: Any) -> str:
    """70000 -> "1:10", 3723000 -> "1:02:03". Parts of a second are cut, as on a clock."""
    parsed = to_decimal(milliseconds)
    if parsed is None:
        return MISSING
    if parsed.adjusted() >= MAX_SHOWN_DIGITS:
        return f"{grouped(parsed, 0)} ms"
    total = int(abs(parsed) // 1000)
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    sign = MINUS if parsed < 0 and total else ""
    if hours:
        return f"{sign}{hours}:{minutes:02}:{seconds:02}"
    return f"{sign}{minutes}:{seconds:02}"


@register.filter
def latency(milliseconds: Any) -> str:
    """1229.4 -> "1,229 ms"."""
    parsed = to_decimal(milliseconds)
    return MISSING if parsed is None else f"{grouped(parsed, 0)} ms"


@register.filter
def percent(share: Any, places: int = 0) -> str:
    """A share between 0 and 1: 0.384 -> "38%"; a share too small to round up -> "<1%"."""
    parsed = to_decimal(share)
    if parsed is None:
        return MISSING
    if places == 0 and 0 < parsed < Decimal("0.005"):
        return "<1%"
    if places == 0 and Decimal("0.995") <= parsed < 1:
        return ">99%"
    return f"{grouped(parsed * 100, places)}%"


@register.filter
def phone(value: Any) -> str:
    """Pretty North American number; anything else, masked numbers too, as it is."""
    if not value:
        return MISSING
    match = NORTH_AMERICAN_NUMBER.fullmatch(str(value))
    return "+1 ({}) {}-{}".format(*match.groups()) if match else str(value)


@register.filter
def file_size(octets: Any) -> str:
    """1536 -> "1.5 KB"."""
    parsed = to_decimal(octets)
    if parsed is None:
        return MISSING
    for size, unit in ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB")):
        if parsed >= size:
            return f"{trimmed(parsed / size)} {unit}"
    return f"{grouped(parsed, 0)} B"


@register.filter
def initials(name: Any) -> str:
    """BD for "Bayview Dental", for the small tile beside a name."""
    words = re.findall(r"\w+", str(name or ""))
    letters = words[0][:2] if len(words) == 1 else "".join(word[0] for word in words[:2])
    return letters.upper() or "?"


def as_zone(zone: str | tzinfo | None) -> tzinfo:
    """The named zone, or the one that is active for this request."""
    if isinstance(zone, tzinfo):
        return zone
    return ZoneInfo(zone) if zone else timezone.get_current_timezone()


def in_zone(when: datetime, zone: str | tzinfo | None = None) -> datetime:
    """`when` on the clocks of a zone; at the ends of time, where there are none, as it is."""
    try:
        return when.astimezone(as_zone(zone))
    except OverflowError:
        return when


def full_stamp(when: datetime) -> str:
    """Date, time to the second, zone and offset, for the title of a short time."""
    offset = when.strftime("%z")
    return f"{when:%Y-%m-%d %H:%M:%S} {when.tzname()} (UTC{offset[:3]}:{offset[3:5]})".replace(
        "UTC-", f"UTC{MINUS}"
    )


def full_stamps(when: datetime) -> str:
    """As `full_stamp`; then on the organization's clock, where that is another one."""
    stamp, zone = full_stamp(when), zones.organization_zone()
    if zone is None or str(zone) == str(when.tzinfo):
        return stamp
    theirs = {"stamp": full_stamp(in_zone(when, zone)), "zone": zone}
    return f"{stamp}\n" + _("%(stamp)s in %(zone)s, the organization’s zone") % theirs


def time_element(when: datetime, text: str | SafeString) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.isoformat(),
        full_stamps(when),
        text,
    )


def is_british() -> bool:
    """Whether dates and times are written the British way for this request."""
    return get_language() == "en-gb"


def day(when: date, *, with_year: bool = False) -> str:
    """ "Nov 23, 2026", or "23 Nov 2026"."""
    if is_british():
        return f"{when.day} {when:%b}" + (f" {when.year}" if with_year else "")
    return f"{when:%b} {when.day}" + (f", {when.year}" if with_year else "")


@register.filter
def date_of(when: datetime | None) -> str:
    """The day alone, on the clock that is active: "Nov 23, 2026"."""
    if not when:
        return MISSING
    local = in_zone(when)
    return time_element(local, day(local, with_year=True))


def hour(number: int) -> str:
    """A whole hour for axes: "2 PM", or "14"."""
    return (
        f"{number:02}" if is_british() else f"{number % 12 or 12} {'AM' if number < 12 else 'PM'}"
    )


def time_of_day(when: datetime, parts: str = "minutes") -> str:
    """ "2:05 PM", or "14:05"; `parts` is "minutes", "seconds" or "milliseconds"."""
    text = when.time().isoformat(timespec=parts)
    if is_british():
        return text
    return f"{when.hour % 12 or 12}{text[2:]} {'AM' if when.hour < 12 else 'PM'}"


def moment(when: datetime, zone: str | tzinfo | None = None) -> str:
    """ "Nov 23, 2026, 2:05 PM", or "23 Nov 2026, 14:05"."""
    local = in_zone(when, zone)
    return f"{day(local, with_year=True)}, {time_of_day(local)}"


@register.simple_tag
def stamp(when: datetime | None, zone: str | tzinfo | None = None) -> str:
    """For lists: "Today 2:29:50 PM", "Nov 22 2:29:50 PM", "Nov 22, 2025, 2:29 PM"."""
    if not when:
        return MISSING
    local = in_zone(when, zone)
    now = datetime.now(UTC).astimezone(local.tzinfo)
    if local.year != now.year:
        return time_element(local, moment(local, local.tzinfo))
    shown_day = "Today" if local.date() == now.date() else day(local)
    text = format_html('<span class="muted">{}</span> {}', shown_day, time_of_day(local, "seconds"))
    return time_element(local, text)


@register.simple_tag
def clock(when: datetime | None, zone: str | tzinfo | None = None, parts: str = "minutes") -> str:
    """The time of day only; `parts` is "minutes", "seconds" or "milliseconds"."""
    if not when:
        return MISSING
    local = in_zone(when, zone)
    return time_element(local, time_of_day(local, parts))


@register.simple_tag
def ago(when: datetime | None) -> str:
    """How long ago: "just now", "3 min ago", "6 h ago", "2 d ago"."""
    if not when:
        return MISSING
    local = in_zone(when)
    seconds = math.floor((datetime.now(UTC) - when).total_seconds())
    if seconds < 60:
        text = "just now"
    elif seconds < 3600:
        text = f"{seconds // 60} min ago"
    elif seconds < 86400:
        text = f"{seconds // 3600} h ago"
    else:
        text = f"{seconds // 86400} d ago"
    return time_element(local, text)
