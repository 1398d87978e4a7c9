"""Who is acting now, from where, in which request. Set at the edges: middleware, jobs, commands."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A person by id and by the label they had then, or a part of the system without an id."""

    label: str
    id: UUID | None = None


SYSTEM = Actor("Switchboard")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`acting_as`: what a super admin entered an organization as, empty otherwise.
    `organization_id`: whose chain entries made at the door or on the platform belong to.
    `details`: stand in every entry, such as the device."""

    actor: Actor = SYSTEM
    organization_id: UUID | None = None
    acting_as: str = ""
    reason: str = ""
    address: str = ""
    request_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[Circumstances] = ContextVar("circumstances")
_NOBODY = Circumstances()


def current() -> Circumstances:
    return _current.get(_NOBODY)


@contextmanager
def circumstances(**changed: Any) -> Iterator[Circumstances]:
    """For the length of a block, the circumstances of before with these fields changed."""
    token = _current.set(replace(current(), **changed))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def command_actor(command: str) -> Actor:
    """Who is behind `manage.py <command>`: all that is known is the account of the machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # in a container, a number without a name
        account = str(os.getuid())
    return Actor(f"manage.py {command} ({account})")
