"""What Retell would send about one call, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One webhook: the body (`event` beside `call`, `chat` or `alert`) and its arrival in UTC.

    `is_retold`: a later event of the call says all of it again, and nothing in it is secret.
    """

    body: Body
    delivered_at: datetime
    is_retold: bool = False

    @property
    def event(self) -> str:
        """The name of the event, such as `call_ended`."""
        return str(self.body["event"])


@dataclass(frozen=True)
class CallStory:
    """A call from its first to its last delivery, in the order of arrival."""

    call_id: str
    begins_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def events(self) -> list[Body]:
        """The bodies in the order of arrival."""
        return [delivery.body for delivery in self.deliveries]


def encode(body: Body) -> bytes:
    """The bytes as Retell writes them: compact, UTF-8, nothing escaped."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def at_ms(timestamp_ms: float) -> datetime:
    """Milliseconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """An aware time as milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
