"""Kinds of long work. Each app declares its own, in `tasks.py`, where the worker finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.roles import Right

if TYPE_CHECKING:
    from jobs.actions import Progress
    from jobs.models import Job

# How many of what a finished job tried it could not do; the job's message says what to do.
Left = Callable[["Job"], int]


def nothing_left(job: Job) -> int:
    return 0


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
    left: Left = nothing_left

    def __post_init__(self) -> None:
        if self.code in _kinds:
            raise ValueError(f"The kind of job {self.code!r} is declared twice.")
        _kinds[self.code] = self


def find(code: str) -> Kind | None:
    """The kind with this code, or None when this version no longer has it."""
    return _kinds.get(code)


def visible_to(rights: frozenset[Right]) -> list[str]:
    return [kind.code for kind in _kinds.values() if kind.right in rights]
