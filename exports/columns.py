"""What a file may hold of each call, and how it is read from the database.

One expression a column serves every format; CSV is put together by PostgreSQL (`exports.sql`),
spreadsheets and reports write the value themselves. CSV carries Retell's own codes, which programs
compare; the other two carry the words that pages show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Case, CharField, F, OuterRef, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calls import outcomes
from calls.models import CallTag
from exports import sql


class Kind(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    TIME = "time"

    @property
    def is_numeric(self) -> bool:
        return self in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)


class Privacy(StrEnum):
    NONE = "none"
    # Masked for who may not take whole numbers along.
    NUMBER = "number"
    # Left out for them: what was said holds numbers, names and addresses in any form.
    TEXT = "text"


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """`read(whole_numbers)` is the value; `words` turns it into what a page shows.

    `sums`: the total that stands under it. `weight`: its width in a report, in characters.
    """

    code: str
    label: str | Promise
    read: Callable[[bool], Combinable]
    kind: Kind = Kind.TEXT
    privacy: Privacy = Privacy.NONE
    words: Callable[[Any], Any] = _same
    sums: str = ""
    weight: int = 12
    is_default: bool = True
    # Words that the product made, not Retell or anybody else.
    is_ours: bool = False

    def heading(self, zone: str) -> str:
        """With what the numbers or times under it are in."""
        return f"{self.label} ({zone})" if self.kind is Kind.TIME else str(self.label)


def _field(name: str) -> Callable[[bool], Combinable]:
    return lambda whole_numbers: F(name)


def _number(name: str) -> Callable[[bool], Combinable]:
    return lambda whole_numbers: F(name) if whole_numbers else sql.MaskedNumber(F(name))


def _caller(whole_numbers: bool) -> Combinable:
    """As `Call.caller_number`."""
    return Case(
        When(direction="outbound", then=_number("to_number")(whole_numbers)),
        default=_number("from_number")(whole_numbers),
        output_field=TextField(),
    )


def _line(whole_numbers: bool) -> Combinable:
    """The other one."""
    return Case(
        When(direction="outbound", then=_number("from_number")(whole_numbers)),
        default=_number("to_number")(whole_numbers),
        output_field=TextField(),
    )


def _agent(whole_numbers: bool) -> Combinable:
    """As `Agent.display_name`; for an agent that is not listed, its id."""
    nothing = Value("")
    return Coalesce(
        NullIf(F("agent__name"), nothing),
        NullIf(F("agent__retell_name"), nothing),
        F("agent_id"),
        output_field=TextField(),
    )


def _revenue(whole_numbers: bool) -> Combinable:
    return Case(
        When(is_billable=True, then=Value("revenue")),
        default=Value("test"),
        output_field=CharField(),
    )


def _tags(whole_numbers: bool) -> Combinable:
    names = (
        CallTag.objects.filter(call=OuterRef("pk"))
        .order_by()
        .values("call")
        .values(names=StringAgg("tag__name", delimiter=Value(", "), order_by="tag__name"))
    )
    return Subquery(names, output_field=TextField())


def _tagged(look_up: Callable[[Any], outcomes.Tagged | None]) -> Callable[[Any], Any]:
    def words(value: Any) -> Any:
        found = look_up(value) if value else None
        return found.label if found else value

    return words


def _from(labels: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda value: str(labels.get(value, value)) if value else value


_OUTCOMES = dict(outcomes.Outcome.choices)
_DIRECTIONS = {"inbound": _("Inbound"), "outbound": _("Outbound")}
_TYPES = {"phone_call": _("Phone"), "web_call": _("Web")}
_CHAT_TYPES = {"api_chat": _("Web"), "sms_chat": _("SMS")}
_REVENUE = {"revenue": _("Revenue"), "test": _("Test")}
_SOURCES = {"webhook": _("Webhook"), "reconciled": _("Reconciliation")}

COLUMNS: tuple[Column, ...] = (
    Column("started", _("Started"), _field("sort_at"), Kind.TIME, weight=19),
    Column(
        "ended", _("Ended"), _field("ended_at"), Kind.TIME, weight=19, is_default=False
    ),
    Column("call_id", _("Call ID"), _field("retell_call_id"), weight=34),
    Column("caller", _("Caller"), _caller, privacy=Privacy.NUMBER, weight=14),
    Column(
        "from", _("From"), _number("from_number"), privacy=Privacy.NUMBER, weight=14,
        is_default=False,
    ),
    Column(
        "to", _("To"), _number("to_number"), privacy=Privacy.NUMBER, weight=14, is_default=False
    ),
    Column(
        "line", _("Agent’s number"), _line, privacy=Privacy.NUMBER, weight=14, is_default=False
    ),
    Column("agent", _("Agent"), _agent, weight=22),
    Column("agent_id", _("Agent ID"), _field("agent_id"), weight=30, is_default=False),
    Column(
        "version", _("Agent version"), _field("agent_version"), Kind.INTEGER, weight=7,
        is_default=False,
    ),
    Column("direction", _("Direction"), _field("direction"), words=_from(_DIRECTIONS), weight=10),
    Column(
        "type", _("Type"), _field("call_type"), words=_from(_TYPES), weight=7, is_default=False
    ),
    Column(
        "status", _("Status"), _field("status"), words=_tagged(outcomes.status), weight=12,
        is_default=False,
    ),
    Column(
        "outcome", _("Outcome"), _field("outcome_code"), words=_from(_OUTCOMES), weight=12,
        is_ours=True,
    ),
    Column(
        "ended_by", _("Ended by"), _field("disconnection_reason"),
        words=_tagged(outcomes.disconnection), weight=20,
    ),
    Column(
        "sentiment", _("Sentiment"), _field("user_sentiment"),
        words=_tagged(outcomes.sentiment), weight=10,
    ),
    Column(
        "duration", _("Duration (s)"), lambda _w: sql.Thousandth(F("duration_ms")), Kind.NUMBER,
        sums="duration_s", weight=12,
    ),
    Column(
        "duration_ms", _("Duration (ms)"), _field("duration_ms"), Kind.INTEGER,
        sums="duration_ms", weight=13,
    ),
    Column(
        "latency", _("Latency (ms)"), _field("latency_p50_ms"), Kind.NUMBER, weight=12
    ),
    Column(
        "cost", _("Cost (USD)"), lambda _w: sql.Hundredth(F("cost_cents")), Kind.MONEY,
        sums="cost", weight=11,
    ),
    Column(
        "revenue", _("Revenue or test"), _revenue, words=_from(_REVENUE), weight=15,
        is_ours=True,
    ),
    Column("tags", _("Tags"), _tags, weight=16, is_default=False),
    Column(
        "source", _("Source"), _field("source"), words=_from(_SOURCES), weight=11,
        is_default=False,
    ),
    Column(
        "why", _("Why revenue or test"),
        lambda _w: Coalesce(NullIf(F("billable_reason"), Value("")), F("test_signal")),
        privacy=Privacy.TEXT, is_default=False,
    ),
    Column(
        "summary", _("Summary"), _field("summary"), privacy=Privacy.TEXT, weight=60,
        is_default=False,
    ),
    Column(
        "transcript", _("Transcript"), _field("transcript"), privacy=Privacy.TEXT, weight=100,
        is_default=False,
    ),
)  # fmt: skip

BY_CODE = {column.code: column for column in COLUMNS}
# Rows hold kilobytes then: fewer at a time.
LARGE = frozenset({"summary", "transcript"})


# The same of chats, which have no numbers and last until somebody closes them.
CHAT_COLUMNS: tuple[Column, ...] = (
    *(BY_CODE[code] for code in ("started", "ended")),
    Column("chat_id", _("Chat ID"), _field("retell_chat_id"), weight=34),
    *(BY_CODE[code] for code in ("agent", "agent_id", "version")),
    Column(
        "type", _("Type"), _field("chat_type"), words=_from(_CHAT_TYPES), weight=7,
        is_default=False,
    ),
    *(BY_CODE[code] for code in ("status", "outcome", "sentiment", "cost", "source", "summary")),
    Column(
        "transcript", _("Messages"), _field("transcript"), privacy=Privacy.TEXT, weight=100,
        is_default=False,
    ),
)  # fmt: skip


def chosen(codes: Iterable[str], available: Iterable[Column] = COLUMNS) -> list[Column]:
    """The columns of these codes, in their order; those that this version lacks are left out.

    Codes that the list of calls has too are those of `calls.columns`.
    """
    by_code = {column.code: column for column in available}
    return [by_code[code] for code in dict.fromkeys(codes) if code in by_code]


def default_codes(available: Iterable[Column] = COLUMNS) -> list[str]:
    return [column.code for column in available if column.is_default]


def for_report(columns: Iterable[Column]) -> list[Column]:
    """Those that fit into a line of a page."""
    return [column for column in columns if column.privacy is not Privacy.TEXT]


def csv_cell(column: Column, *, whole_numbers: bool) -> Combinable:
    value = column.read(whole_numbers)
    if column.kind is Kind.TIME:
        return sql.CsvTime(value)
    if column.kind is Kind.INTEGER:
        return value
    if column.is_ours:
        return sql.CsvWord(value)
    return sql.CsvNumber(value) if column.kind.is_numeric else sql.CsvText(value)
