"""What needs somebody's attention: each app says what it knows of, layers above register theirs.

An item is one line with the way to its fix, and only of what the person may see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.roles import Right

_ORDER = ("bad", "warn", "info")


@dataclass(frozen=True, slots=True)
class Item:
    """`reason`: one line; `action`: the words on the button that leads to `url`."""

    tone: str
    icon: str
    title: str
    reason: str
    url: str
    action: str


Source = Callable[[frozenset[Right]], list[Item]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """When Django starts. The source is asked at every look, inside the organization's context."""
    _sources.append(source)


def items(rights: frozenset[Right]) -> list[Item]:
    """Worst first; of one tone in the order in which the sources were registered."""
    found = [item for source in _sources for item in source(rights)]
    return sorted(found, key=lambda item: _ORDER.index(item.tone))
