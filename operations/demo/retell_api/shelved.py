"""The server over a shelf: a process of its own that answers for the demo organizations."""

from __future__ import annotations

import re
import threading
import time

from operations.demo.retell_api.server import (
    WRITES,
    Answered,
    Handler,
    Request,
    RetellServer,
    error,
)
from operations.demo.retell_api.shelf import Shelf
from operations.demo.retell_api.sound import part, recording

AWAY = "The service is temporarily unavailable."
_RECORDING = re.compile(r"/recordings/(\w+)\.wav")


class ShelvedRetell(RetellServer):
    """Reads the shelf anew for each request, because other processes write to it."""

    def __init__(self, shelf: Shelf, port: int = 0) -> None:
        super().__init__(port, enforces_limits=True)
        self.shelf = shelf
        self._turn = threading.Lock()

    def handle(self, handler: Handler, request: Request) -> None:
        """As Retell's links, those to recordings need no key."""
        found = _RECORDING.fullmatch(request.path)
        if found is None or request.method != "GET":
            super().handle(handler, request)
        elif (sound := self._recording(found[1])) is None:
            handler.send(404, b"")
        else:
            status, body, headers = part(sound, request.headers.get("range", ""))
            handler.send(status, body, headers)

    def _recording(self, call_id: str) -> bytes | None:
        with self._turn:
            calls = [each.call(call_id) for each in self.shelf.workspaces()]
        recorded = (call for call in calls if call and call.get("recording_url"))
        call = next(recorded, None)
        return recording(call) if call else None

    def work_out(self, request: Request) -> Answered:
        with self._turn:
            found = self.shelf.workspaces()
            self.workspaces = list(found)
            now_ms = time.time() * 1000
            away = any(request.key in each.keys and each.away_until_ms > now_ms for each in found)
            if away and request.path.endswith("/list-calls"):
                return 503, error(AWAY), {}
            answer = self._leading_here(request, super().work_out(request))
            if request.path.startswith(WRITES):
                for workspace in self.workspaces:
                    if request.key in workspace.keys:
                        self.shelf.save_agents(workspace)
            return answer

    def _leading_here(self, request: Request, answer: Answered) -> Answered:
        """Events name a host that nobody has; a link that is asked for can be listened to."""
        status, body, headers = answer
        if "/get-call/" in request.path and body and body.get("recording_url"):
            body = {**body, "recording_url": f"{self.url}/recordings/{body['call_id']}.wav"}
        return status, body, headers
