"""The file `.local/environment`: what the product and `manage.py` read in development."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from operations.local.errors import LocalError
from operations.local.folders import write_private

DEFAULT_PORT = 8000
HIGHEST_PORT = 65535


def read_environment(path: Path) -> dict[str, str]:
    """Read `KEY=value` lines; a missing file is empty, a line of another shape is refused."""
    if not path.exists():
        return {}
    values = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key, separator, value = line.partition("=")
        if not separator or not key.isidentifier():
            raise LocalError(
                f"Line {number} of {path} is not KEY=value; the file was left as it is: "
                "correct the line (it holds the keys of the stored data) and start again."
            )
        values[key] = value
    return values


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    write_private(path, "".join(f"{key}={value}\n" for key, value in values.items()))


def generated_keys() -> dict[str, str]:
    """Secrets made once for a clone and kept from then on."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": f"1:{_random_key()}",
        "BACKUP_KEY": _random_key(),
    }


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Ports and public address, from the caller's environment or the defaults."""
    port = _port(environ, "PORT", DEFAULT_PORT)
    live_port = _port(environ, "LIVE_PORT", port + 1)
    if port == live_port:
        raise LocalError(f"PORT and LIVE_PORT are both {port}; choose two different ports.")
    return {
        "PORT": str(port),
        "LIVE_PORT": str(live_port),
        "PUBLIC_BASE_URL": environ.get("PUBLIC_BASE_URL") or f"http://localhost:{port}",
    }


def demo_retell(kept: Mapping[str, str]) -> dict[str, str]:
    """The address of the demo's Retell: the one it had while that is free, else another."""
    name = "DEMO_RETELL_BASE_URL"
    noted = kept.get(name, "").rpartition(":")[2]
    for port in (int(noted) if noted.isdecimal() else 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return {name: f"http://127.0.0.1:{probe.getsockname()[1]}"}
    raise LocalError("No port of this machine is free; nothing was started.")


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise LocalError(f"{name}={text} is not a port; nothing was started: choose 1 to 65535.")
    return int(text)


def without_libpq_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop PGPORT, PGHOST and the like: they would redirect connections to the engines."""
    return {key: value for key, value in environ.items() if not key.startswith("PG")}


def drop_libpq_settings() -> None:
    for key in [key for key in os.environ if key.startswith("PG")]:
        del os.environ[key]
