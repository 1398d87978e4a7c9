"""The server over a shelf: a process of its own that answers for the demo organizations."""

from __future__ import annotations

import threading
import time

from operations.demo.retell_api.server import WRITES, Answered, Request, RetellServer, error
from operations.demo.retell_api.shelf import Shelf

AWAY = "The service is temporarily unavailable."


class ShelvedRetell(RetellServer):
    """Reads the shelf anew for each request, because other processes write to it."""

    def __init__(self, shelf: Shelf, port: int = 0) -> None:
        super().__init__(port, enforces_limits=True)
        self.shelf = shelf
        self._turn = threading.Lock()

    def work_out(self, request: Request) -> Answered:
        with self._turn:
            found = self.shelf.workspaces()
            self.workspaces = list(found)
            now_ms = time.time() * 1000
            away = any(request.key in each.keys and each.away_until_ms > now_ms for each in found)
            if away and request.path.endswith("/list-calls"):
                return 503, error(AWAY), {}
            answer = super().work_out(request)
            if request.path.startswith(WRITES):
                for workspace in self.workspaces:
                    if request.key in workspace.keys:
                        self.shelf.save_agents(workspace)
            return answer
