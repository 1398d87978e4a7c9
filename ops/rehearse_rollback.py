"""Rehearses the way to a new version and back, under webhooks, with engines of its own.

    python -m ops.rehearse_rollback --old-ref v1.0
    python -m ops.rehearse_rollback --old /path/to/old --new /path/to/new

The old version runs and is sent signed webhooks; the new one's `release` runs beside it; the new
one takes over; the old one takes over again, on the new tables, and its `release` runs, as when
the host starts. Ends with an error unless every webhook was answered 204 and kept, and pages
answered.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg

from operations.local.folders import Folders
from operations.local.pytest_plugin import use_test_engines
from testing.servers import free_port

HERE = Path(__file__).resolve().parent.parent
START_SECONDS = 180
KEY = "key_of_the_rehearsal_000000001"
SLUG = "rehearsal"


class RehearsalError(Exception):
    """What went wrong, as a sentence."""


def _python(folder: Path) -> str:
    own = folder / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def _manage(folder: Path, settings: Mapping[str, str], *arguments: str) -> str:
    result = subprocess.run(
        [_python(folder), "manage.py", *arguments],
        cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise RehearsalError(f"{arguments[0]} of {folder} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


@contextmanager
def _web(folder: Path, settings: Mapping[str, str]) -> Iterator[int]:
    """`web` of a version on a port of its own, once it answers."""
    port = free_port()
    program = Path(_python(folder)).with_name("granian")
    process = subprocess.Popen(
        [str(program), "--interface", "wsgi", "--port", str(port), "--workers", "1",
         "--blocking-threads", "4", "--no-ws", "config.wsgi:application"],
        cwd=folder, env={**os.environ, **settings},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS
        while _get(port, "/health") != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RehearsalError(f"web of {folder} did not start; its output is above.")
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": f"{SLUG}.localhost"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class Sender:
    """Sends webhooks, one after the other, to the version that is at work; waits while it is
    changed, as a proxy does."""

    def __init__(self, token: str) -> None:
        self.path = f"/webhooks/retell/{token}/"
        self.answers: Counter[int] = Counter()
        self.port = 0
        self._over, self._may_send = Event(), Event()
        self._numbers = itertools.count()
        self._thread = Thread(target=self._work)

    @contextmanager
    def sending_to(self, port: int) -> Iterator[None]:
        self.port = port
        self._may_send.set()
        if not self._thread.is_alive():
            self._thread.start()
        yield
        self._may_send.clear()
        time.sleep(1)  # what is on its way arrives

    def end(self) -> None:
        self._over.set()
        self._may_send.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while self._may_send.wait() and not self._over.is_set():
            self.answers[self._send()] += 1

    def _send(self) -> int:
        call = {"call_id": f"call_rehearsal_{next(self._numbers)}", "call_type": "phone_call"}
        body = json.dumps({"event": "call_ended", "call": call}).encode()
        at = time.time_ns() // 1_000_000
        digest = hmac.new(KEY.encode(), body + str(at).encode(), hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json", "X-Retell-Signature": f"v={at},d={digest}"}
        try:
            connection.request("POST", self.path, body, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


def _settings(engines: Mapping[str, str], database: str) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        **engines,
        "ENVIRONMENT": "test",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": f"1:{key}",
        "BACKUP_KEY": key,
        "PUBLIC_BASE_URL": "http://localhost",
        "RETELL_BASE_URL": "http://127.0.0.1:9",  # nobody listens: the key is stored unchecked
        "REHEARSAL_DATABASE": database,
    }


def _prepare(folder: Path, settings: dict[str, str]) -> str:
    """Database and one organization; the token of its webhook URL."""
    said = _manage(
        folder, settings, "setup_database", "--admin-url", settings["DATABASE_ADMIN_URL"],
        "--database", settings["REHEARSAL_DATABASE"], "--reset-passwords",
    )  # fmt: skip
    settings |= dict(line.split("=", 1) for line in said.splitlines() if line[:9] == "DATABASE_")
    _manage(folder, settings, "release")
    said = _manage(
        folder, settings, "create_organization", "--name", "Rehearsal", "--slug", SLUG,
        "--admin-email", "somebody@example.com", "--retell-api-key", KEY,
    )  # fmt: skip
    return said.partition("/webhooks/retell/")[2].partition("/")[0]


def _kept(settings: Mapping[str, str]) -> int:
    with psycopg.connect(settings["DATABASE_OWNER_URL"]) as connection:
        row = connection.execute(
            "SELECT schema_name FROM tenants_organization WHERE slug = %s", [SLUG]
        ).fetchone()
        assert row
        query = psycopg.sql.SQL("SELECT count(*) FROM {} WHERE state = 'applied'")
        table = psycopg.sql.Identifier(row[0], "webhooks_delivery")
        return int((connection.execute(query.format(table)).fetchone() or (0,))[0])


def rehearse(
    old: Path, new: Path, engines: Mapping[str, str], say: Callable[[str], None]
) -> Counter[int]:
    """What webhooks were answered. Raises `RehearsalError` when anything was lost."""
    settings = _settings(engines, f"rehearsal_{os.getpid()}")
    sender = Sender(_prepare(old, settings))
    try:
        say("The old version runs.")
        with _web(old, settings) as port, sender.sending_to(port):
            say(f"The new version releases beside it: {_last(_manage(new, settings, 'release'))}")
            _pages_answer(port)
        say("The new version takes over.")
        with _web(new, settings) as port, sender.sending_to(port):
            _pages_answer(port)
        say("Back to the old version, on the new tables.")
        with _web(old, settings) as port, sender.sending_to(port):
            _pages_answer(port)
            say(f"Its release, as at a restart: {_last(_manage(old, settings, 'release'))}")
            _pages_answer(port)
        say(f"Forward again: {_last(_manage(new, settings, 'release'))}")
    finally:
        sender.end()
    kept, sent = _kept(settings), sender.answers.total()
    say(f"Webhooks answered: {dict(sender.answers)}; kept: {kept}.")
    if set(sender.answers) != {204} or kept != sent:
        raise RehearsalError(f"Of {sent} webhooks {kept} were kept.")
    return sender.answers


def _last(said: str) -> str:
    return said.strip().splitlines()[-1]


def _pages_answer(port: int) -> None:
    time.sleep(2)  # webhooks meanwhile
    for path in ("/sign-in/", "/health"):
        if (status := _get(port, path)) != 200:
            raise RehearsalError(f"{path} answered {status}.")


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """A version from the repository, installed, in a folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
        folder = Path(name) / "old"
        subprocess.run(["git", "-C", str(HERE), "worktree", "add", "--detach", str(folder), ref],
                       check=True)  # fmt: skip
        try:
            subprocess.run(["make", "venv"], cwd=folder, check=True)
            yield folder
        finally:
            subprocess.run(["git", "-C", str(HERE), "worktree", "remove", "--force", str(folder)],
                           check=True)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Rehearse an upgrade and the way back.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--old-ref", help="A tag or commit of this repository.")
    which.add_argument("--old", type=Path, help="The folder of an installed version.")
    parser.add_argument("--new", type=Path, default=HERE, help="The new one; default: this.")
    chosen = parser.parse_args()
    engines = use_test_engines(Folders.for_tests(HERE))
    try:
        if chosen.old_ref:
            with checkout(chosen.old_ref) as folder:
                rehearse(folder, chosen.new, engines, print)
        else:
            rehearse(chosen.old.resolve(), chosen.new.resolve(), engines, print)
    except RehearsalError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print("Nothing was lost: the way back is open.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
