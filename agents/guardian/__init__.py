"""What is wrong with agents in Retell that would cost calls, told from what a sync stored.

`of_agent` and `of_connection` are pure. `findings` reads what they need; nothing is stored.
"""

from __future__ import annotations

from agents.guardian.finding import Finding, Heard, OwnUrls, Severity, count
from agents.guardian.reading import findings, of_agent, own_urls
from agents.guardian.standing import of_connection
from agents.guardian.webhook import is_right, missing_events

__all__ = [
    "Finding",
    "Heard",
    "OwnUrls",
    "Severity",
    "count",
    "findings",
    "is_right",
    "missing_events",
    "of_agent",
    "of_connection",
    "own_urls",
]
