"""What the demo's Retell keeps, in a file: calls are told by the loading and the feed, agents are
changed through the API, and all of it outlives a restart."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from operations.demo.retell_api.lists import NOT_LISTED
from operations.demo.retell_api.workspaces import Agent, Key, Workspace
from operations.demo.stories import Body, encode

WAIT_SECONDS = 30.0  # for another process that writes
_TABLES = """
CREATE TABLE IF NOT EXISTS workspaces (
    org_id TEXT PRIMARY KEY, name TEXT NOT NULL, keys TEXT NOT NULL, agents TEXT NOT NULL,
    away_until_ms INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS calls (
    org_id TEXT NOT NULL, call_id TEXT NOT NULL, start_ms INTEGER,
    listed BLOB NOT NULL, rest BLOB NOT NULL, PRIMARY KEY (org_id, call_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calls_by_start ON calls (org_id, start_ms);
"""
_TELL = "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?)"


class Shelf:
    """One connection to the file; for one thread at a time, and not across a fork."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds the demo's keys
        self._db = sqlite3.connect(
            path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._prepare()

    def _prepare(self) -> None:
        """SQLite does not wait by itself while another process changes the journal of a new file:
        both organizations' histories begin in the same moment."""
        ends = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=OFF")  # it is a demo
                self._db.executescript(_TABLES)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                    raise
                time.sleep(0.02)
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def clear(self) -> None:
        """Forget everything; whoever has the file open sees that, too."""
        self._db.executescript("DELETE FROM workspaces; DELETE FROM calls; VACUUM;")

    # --- Workspaces ------------------------------------------------------------------------------

    def put(self, workspace: Workspace, *, away_until_ms: int = 0) -> None:
        """A new workspace without its calls; until then its lists of calls are not answered."""
        row = (workspace.org_id, workspace.name, *_texts(workspace), away_until_ms)
        self._db.execute("INSERT OR REPLACE INTO workspaces VALUES (?, ?, ?, ?, ?)", row)

    def save_agents(self, workspace: Workspace) -> None:
        _, agents = _texts(workspace)
        change = "UPDATE workspaces SET agents = ? WHERE org_id = ?"
        self._db.execute(change, (agents, workspace.org_id))

    def end_outages(self) -> None:
        self._db.execute("UPDATE workspaces SET away_until_ms = 0")

    def workspaces(self) -> list[ShelvedWorkspace]:
        """As they are now; their calls are read when they are asked for."""
        rows = self._db.execute("SELECT org_id, name, keys, agents, away_until_ms FROM workspaces")
        return [
            ShelvedWorkspace(
                org_id,
                name,
                {key: Key(**fields) for key, fields in json.loads(keys).items()},
                {agent["agent_id"]: Agent(**agent) for agent in json.loads(agents)},
                shelf=self,
                away_until_ms=away_until_ms,
            )
            for org_id, name, keys, agents, away_until_ms in rows.fetchall()
        ]

    # --- Calls -----------------------------------------------------------------------------------

    def tell(self, org_id: str, calls: Iterable[Body]) -> None:
        """Note calls as events say them; an event that says less takes nothing away."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for call in calls:
                self._db.execute(_TELL, _row(org_id, self._with_what_was_told(org_id, call)))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _with_what_was_told(self, org_id: str, call: Body) -> Body:
        told = self.call(org_id, call["call_id"])
        if told is None:
            return call
        is_late = call["call_status"] == "ongoing" != told["call_status"]
        return {**call, **told} if is_late else {**told, **call}

    def call(self, org_id: str, call_id: str) -> Body | None:
        one = "SELECT listed, rest FROM calls WHERE org_id = ? AND call_id = ?"
        row = self._db.execute(one, (org_id, call_id)).fetchone()
        return json.loads(row[0]) | json.loads(zlib.decompress(row[1])) if row else None

    def listed(self, org_id: str, since_ms: float, until_ms: float) -> list[Body]:
        """Calls that started between the two, both included, as lists show them."""
        some = "SELECT listed FROM calls WHERE org_id = ? AND start_ms BETWEEN ? AND ?"
        rows = self._db.execute(some, (org_id, since_ms, until_ms))
        return [json.loads(listed) for (listed,) in rows]

    def all_listed(self, org_id: str) -> list[Body]:
        rows = self._db.execute("SELECT listed FROM calls WHERE org_id = ?", (org_id,))
        return [json.loads(listed) for (listed,) in rows]


@dataclass
class ShelvedWorkspace(Workspace):
    """A workspace whose calls stay in the file."""

    shelf: Shelf | None = None
    away_until_ms: int = 0

    def calls_for(self, request: Body) -> Iterable[Body]:
        assert self.shelf is not None
        started = request.get("filter_criteria", {}).get("start_timestamp", {})
        between = started.get("value") if isinstance(started, dict) else None
        if isinstance(between, list) and len(between) == 2:
            return self.shelf.listed(self.org_id, *between)
        return self.shelf.all_listed(self.org_id)

    def call(self, call_id: str) -> Body | None:
        assert self.shelf is not None
        return self.shelf.call(self.org_id, call_id)


def _texts(workspace: Workspace) -> tuple[str, str]:
    """Keys and agents."""
    keys = {key: asdict(fields) for key, fields in workspace.keys.items()}
    return json.dumps(keys), json.dumps([asdict(agent) for agent in workspace.agents.values()])


def _row(org_id: str, call: Body) -> tuple[str, str, int | None, bytes, bytes]:
    listed = {name: value for name, value in call.items() if name not in NOT_LISTED}
    rest = {name: value for name, value in call.items() if name in NOT_LISTED}
    packed = zlib.compress(encode(rest), 1)
    return org_id, call["call_id"], call.get("start_timestamp"), encode(listed), packed
