"""Retell's API on this machine: what docs.retellai.com and retell-sdk 6.2.13 say of it.

Knows no Django and starts no thread: `RetellServer(...).serve_forever()` is a process's own work,
or a test's. Where Retell's behaviour is not known, the docstrings say what was assumed.
"""

from __future__ import annotations

from operations.demo.retell_api.server import Request, RetellServer
from operations.demo.retell_api.shelf import Shelf
from operations.demo.retell_api.shelved import ShelvedRetell
from operations.demo.retell_api.workspaces import (
    Agent,
    Key,
    Workspace,
    events_of,
    make_calls,
)

__all__ = [
    "Agent",
    "Key",
    "Request",
    "RetellServer",
    "Shelf",
    "ShelvedRetell",
    "Workspace",
    "events_of",
    "make_calls",
]
