"""Kinds of long work. Each app declares its own, in `tasks.py`, where the worker finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.roles import Right

if TYPE_CHECKING:
    from jobs.actions import Progress

# Does the work inside its organization; `progress.job` holds parameters and position.
Runner = Callable[["Progress"], None]

_kinds: dict[str, Kind] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """`right`: who may start it, see it and cancel it. `noun`: what is counted, in the plural."""

    code: str
    label: str
    noun: str
    right: Right
    run: Runner

    def __post_init__(self) -> None:
        if self.code in _kinds:
            raise ValueError(f"The kind of job {self.code!r} is declared twice.")
        _kinds[self.code] = self


def find(code: str) -> Kind | None:
    """The kind with this code, or None when this version no longer has it."""
    return _kinds.get(code)


def visible_to(rights: frozenset[Right]) -> list[str]:
    return [kind.code for kind in _kinds.values() if kind.right in rights]
