"""Talks to Retell's API, over the pinned SDK. Events that Retell sends are webhooks/retell.py's.

    with RetellApi(key, workspace_id=connection.workspace_id) as api:
        for page in api.calls(since, until):
            …

Field facts: docs.retellai.com and retell-sdk 6.2.13.
"""

from __future__ import annotations

from agents.retell.answers import (
    AgentSettings,
    AgentVersion,
    CallPage,
    Channel,
    Concurrency,
    ListedAgent,
    Page,
    PhoneNumber,
    Workspace,
)
from agents.retell.api import RetellApi
from agents.retell.errors import Kind, RetellApiError

__all__ = [
    "AgentSettings",
    "AgentVersion",
    "CallPage",
    "Channel",
    "Concurrency",
    "Kind",
    "ListedAgent",
    "Page",
    "PhoneNumber",
    "RetellApi",
    "RetellApiError",
    "Workspace",
]
