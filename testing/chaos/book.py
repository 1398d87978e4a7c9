"""What is sent and what came of each try: the two files between the run and its sender."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from calls.tests.model import Event as Said

# Statuses of tries that were not answered: refused or reset, and waited for too long.
NO_ANSWER, TIMED_OUT = 0, -1


class Kind(StrEnum):
    """What should become of a body: applied to its call, kept in quarantine, or refused by 413."""

    CALL = "call"
    POISON = "poison"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class Event:
    """One body that Retell sends to one organization."""

    organization: str
    body: bytes
    kind: Kind = Kind.CALL

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body of a CALL."""
        document: dict[str, Any] = json.loads(self.body, parse_float=Decimal)
        return document

    @property
    def name(self) -> str:
        return str(self.document["event"])

    @property
    def call(self) -> dict[str, Any]:
        call: dict[str, Any] = self.document["call"]
        return call

    @property
    def call_id(self) -> str:
        return str(self.call["call_id"]) if self.kind is Kind.CALL else ""

    def said(self) -> Said:
        """As the plain-Python model of the merge takes it."""
        beside = {key: self.document[key] for key in self.document if key not in ("event", "call")}
        return Said(self.name, self.call, beside)


@dataclass(frozen=True)
class Post:
    """An event, when to send it in seconds after the beginning, and which call it is of."""

    due: float
    event: Event
    call: str


@dataclass(frozen=True)
class Line:
    """Where the webhooks of an organization go, and the key that signs them."""

    organization: str
    host: str
    path: str
    key: str


@dataclass(frozen=True)
class Attempt:
    """One try; times in seconds since 1970. `status` may be NO_ANSWER or TIMED_OUT."""

    organization: str
    sha256: str
    began: float
    ended: float
    status: int
    says_when: bool = False  # whether the answer had a Retry-After

    @classmethod
    def from_line(cls, line: str) -> Attempt:
        return cls(**json.loads(line))

    def as_line(self) -> str:
        return f"{json.dumps(asdict(self))}\n"

    @property
    def was_acknowledged(self) -> bool:
        return 200 <= self.status < 300


def write_plan(file: Path, posts: Iterable[Post]) -> None:
    with file.open("w") as lines:
        for post in posts:
            body = base64.b64encode(post.event.body).decode()
            row = [post.due, post.event.organization, body, post.call]
            lines.write(f"{json.dumps(row)}\n")


def read_plan(file: Path) -> list[Post]:
    """Without the kinds, which are no business of the sender's."""
    rows = map(json.loads, file.read_text().splitlines())
    return [
        Post(due, Event(organization, base64.b64decode(body)), call)
        for due, organization, body, call in rows
    ]


def read_attempts(file: Path) -> list[Attempt]:
    if not file.exists():
        return []
    return [Attempt.from_line(line) for line in file.read_text().splitlines()]


def sent(plan: Path, ledger: Path) -> list[Post]:
    """The posts of those calls that were begun."""
    posts = read_plan(plan)
    tried = {(attempt.organization, attempt.sha256) for attempt in read_attempts(ledger)}
    begun = {post.call for post in posts if (post.event.organization, post.event.sha256) in tried}
    return [post for post in posts if post.call in begun]
