"""The words of the audit log: every kind of entry is declared once, beside the action it records.

RENAMED = Action("agents.renamed", "renamed the agent {object}")
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """As django-auditlog numbers them."""

    CREATE = 0
    UPDATE = 1
    DELETE = 2
    ACCESS = 3


_declared: dict[str, Action] = {}


@dataclass(frozen=True, slots=True)
class Action:
    """`code` is stored and never changes; `phrase` follows the person's name: "Alice …".

    `phrase` may hold `{object}` and the names of the entry's details.
    """

    code: str
    phrase: str
    kind: Kind = Kind.UPDATE

    def __post_init__(self) -> None:
        if self.code in _declared:
            raise ValueError(f"The audit action {self.code!r} is declared twice.")
        _declared[self.code] = self


def find(code: str) -> Action | None:
    """The declaration of a stored code, or None when this version no longer has it."""
    return _declared.get(code)


def declared() -> dict[str, Action]:
    """Every kind of entry there is, by code; for filters."""
    return dict(sorted(_declared.items()))
