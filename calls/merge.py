"""How the events of one call become one row, in any order, any repetition, any subset.

Every value an event brings carries a key, a text that says how much it counts. The row keeps, per
field, the value with the largest key it has ever seen. Taking a maximum is commutative,
associative and idempotent, so the order and number of deliveries cannot matter. `sql.py` writes
the maximum as one `INSERT … ON CONFLICT DO UPDATE`; the keys stay in the row, so a page can say
which event each value came from.

A key, from the most to the least significant character:

    rank     1 digit   the kind of source, see `Rank`
    weight   1 digit   within a rank, a zero counts less than a value; see `weight` in reader.py
    end      14 digits `end_timestamp` of the event in ms, 0 when it has none
    turns    6 digits  entries of the transcript so far (transcript_updated has no end_timestamp)
    body     12 digits of the SHA-256 of the body: an arbitrary but fixed order for the rest

What a person edits here outranks all of it; it is kept in columns the merge does not touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property


class Rank(IntEnum):
    """Sources of a value, the later the better."""

    CALL_STARTED = 1
    TRANSCRIPT_UPDATED = 2
    CALL_ENDED = 3
    CALL_ANALYZED = 4
    TRANSFER_ENDED = 5
    API_READ = 6


# One line an event. In-call transfer events carry the call so far, like a transcript update.
EVENT_RANKS: dict[str, Rank] = {
    "call_started": Rank.CALL_STARTED,
    "transcript_updated": Rank.TRANSCRIPT_UPDATED,
    "transfer_started": Rank.TRANSCRIPT_UPDATED,
    "transfer_bridged": Rank.TRANSCRIPT_UPDATED,
    "transfer_cancelled": Rank.TRANSCRIPT_UPDATED,
    "call_ended": Rank.CALL_ENDED,
    "call_analyzed": Rank.CALL_ANALYZED,
    "transfer_ended": Rank.TRANSFER_ENDED,
    "chat_started": Rank.CALL_STARTED,
    "chat_ended": Rank.CALL_ENDED,
    "chat_analyzed": Rank.CALL_ANALYZED,
}
FINAL_RANKS = frozenset({Rank.CALL_ENDED, Rank.CALL_ANALYZED, Rank.TRANSFER_ENDED, Rank.API_READ})

MAX_END_MS = 10**14 - 1


@dataclass(frozen=True)
class Source:
    """Where the values of one event come from, and how much they count."""

    event: str
    rank: Rank
    end_ms: int
    turns: int
    body_sha256: bytes

    @cached_property
    def _tail(self) -> str:
        end, turns = min(self.end_ms, MAX_END_MS), min(self.turns, 999_999)
        return f"{end:014d}{turns:06d}{self.body_sha256.hex()[:12]}"

    def key(self, weight: int = 1, prefix: str = "") -> str:
        """The key of one value. `prefix` lets a property of the value decide before the rank."""
        return f"{prefix}{self.rank:d}{weight}{self._tail}"


@dataclass(frozen=True, slots=True)
class Column:
    """A field with a column of its own.

    `cast` is the PostgreSQL type its parameter is cast to. `personal` says from which storage
    level on (see `StorageLevel`) the column is emptied and stays empty; 0 is never.
    """

    name: str
    cast: str
    personal: int = 0


class StorageLevel(IntEnum):
    """Retell's `data_storage_setting`, as far as it forbids keeping things."""

    EVERYTHING = 0
    EXCEPT_PERSONAL = 1
    BASIC_ATTRIBUTES = 2


STORAGE_LEVELS: dict[str, StorageLevel] = {
    "everything": StorageLevel.EVERYTHING,
    "everything_except_pii": StorageLevel.EXCEPT_PERSONAL,
    "basic_attributes_only": StorageLevel.BASIC_ATTRIBUTES,
}

_PERSONAL = StorageLevel.EXCEPT_PERSONAL

# The table of fields, one line each. What stands in neither list goes into `details`, key by key.
CALL_COLUMNS: tuple[Column, ...] = (
    Column("call_type", "text"),
    Column("status", "text"),
    Column("direction", "text"),
    Column("agent_id", "text"),
    Column("agent_version", "integer"),
    Column("agent_name", "text"),
    Column("disconnection_reason", "text"),
    Column("from_number", "text", personal=_PERSONAL),
    Column("to_number", "text", personal=_PERSONAL),
    Column("started_at", "timestamptz"),
    Column("ended_at", "timestamptz"),
    Column("duration_ms", "bigint"),
    Column("cost_cents", "numeric"),
    Column("cost", "jsonb"),
    Column("latency", "jsonb"),
    Column("latency_p50_ms", "numeric"),
    Column("user_sentiment", "text"),
    Column("call_successful", "boolean"),
    Column("in_voicemail", "boolean"),
    Column("summary", "text", personal=_PERSONAL),
    Column("transcript", "text", personal=_PERSONAL),
    Column("transcript_entries", "jsonb", personal=_PERSONAL),
    Column("test_signal", "text"),
)
CHAT_COLUMNS: tuple[Column, ...] = (
    Column("chat_type", "text"),
    Column("status", "text"),
    Column("agent_id", "text"),
    Column("agent_version", "integer"),
    Column("agent_name", "text"),
    Column("started_at", "timestamptz"),
    Column("ended_at", "timestamptz"),
    Column("cost_cents", "numeric"),
    Column("cost", "jsonb"),
    Column("user_sentiment", "text"),
    Column("chat_successful", "boolean"),
    Column("summary", "text", personal=_PERSONAL),
    Column("transcript", "text", personal=_PERSONAL),
    Column("messages", "jsonb", personal=_PERSONAL),
)
