"""The columns of the calls list: which there are, and which a person sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Column:
    """`key` stands in the database and in `calls/_row.html`; numbers are aligned to the right."""

    key: str
    label: Any
    is_number: bool = False
    is_usual: bool = True


# In the order in which they are offered, and shown where nobody chose another.
COLUMNS = (
    Column("started", _("Started")),
    Column("caller", _("Caller")),
    Column("agent", _("Agent")),
    Column("outcome", _("Outcome")),
    Column("sentiment", _("Sentiment")),
    Column("ended_by", _("Ended by")),
    Column("duration", _("Duration"), is_number=True),
    Column("latency", _("Latency"), is_number=True),
    Column("cost", _("Cost"), is_number=True),
    Column("tags", _("Tags"), is_usual=False),
    Column("revenue", _("Revenue or test"), is_usual=False),
    Column("summary", _("Summary"), is_usual=False),
    Column("type", _("Type"), is_usual=False),
    Column("direction", _("Direction"), is_usual=False),
    Column("status", _("Status"), is_usual=False),
    Column("line", _("Agent’s number"), is_usual=False),
    Column("version", _("Version"), is_number=True, is_usual=False),
    Column("call_id", _("Call ID"), is_usual=False),
)
BY_KEY = {column.key: column for column in COLUMNS}
USUAL = tuple(column.key for column in COLUMNS if column.is_usual)
# Holds the one link of a row.
ALWAYS = "caller"


def readable(keys: Iterable[Any]) -> list[str]:
    """The keys that this version knows, each once, in the order of `COLUMNS`; the row's link is
    always among them. None of them known, or none chosen: the usual ones."""
    chosen = {key for key in keys if key in BY_KEY}
    if not chosen:
        return list(USUAL)
    return [column.key for column in COLUMNS if column.key in chosen or column.key == ALWAYS]


def chosen(keys: Iterable[Any]) -> list[Column]:
    return [BY_KEY[key] for key in readable(keys)]
