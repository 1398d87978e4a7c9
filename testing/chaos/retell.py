"""Retell's API as far as the comparison needs it, in a process of its own.

    python -m testing.chaos.retell PORT KEYS [PLAN …]

Knows a workspace for each key of the file, and every call of the plans of which anything was sent,
as it ended, whatever became of the webhooks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from operations.demo.retell_api import Request, RetellServer
from operations.demo.retell_api.lists import as_kept
from operations.demo.retell_api.server import Handler
from testing.chaos.book import sent

FINAL_EVENTS = ("call_ended", "call_analyzed", "transfer_ended")  # the later say more


class Retell(RetellServer):
    """Takes up organizations that were added to the file of keys."""

    def __init__(self, port: int, keys_file: Path) -> None:
        super().__init__(port)
        self.keys_file = keys_file
        self.read_keys()

    def read_keys(self) -> None:
        known = {workspace.name for workspace in self.workspaces}
        for slug, key in json.loads(self.keys_file.read_text()).items():
            if slug not in known:
                self.add_workspace(slug, key)

    def handle(self, handler: Handler, request: Request) -> None:
        self.read_keys()
        super().handle(handler, request)

    def hear_of(self, plans: Iterable[Path]) -> None:
        calls: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        for post in (post for plan in plans for post in sent(plan, plan.with_suffix(".ledger"))):
            document = _document(post.event.body)
            if document.get("event") in FINAL_EVENTS and "call_status" in document["call"]:
                rank, call = FINAL_EVENTS.index(document["event"]), document["call"]
                key = (post.event.organization, call["call_id"])
                calls[key] = max(calls.get(key, (rank, call)), (rank, call), key=lambda it: it[0])
        for workspace in self.workspaces:
            workspace.add_calls(
                *(as_kept(call) for (slug, _), (_, call) in calls.items() if slug == workspace.name)
            )


def _document(body: bytes) -> dict[str, Any]:
    """Of a poisonous body, nothing."""
    try:
        document = json.loads(body)
        return document if isinstance(document["call"]["call_status"], str) else {}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}


def main() -> None:
    port, keys, *plans = sys.argv[1:]
    server = Retell(int(port), Path(keys))
    server.hear_of(map(Path, plans))
    server.serve_forever()


if __name__ == "__main__":
    main()
