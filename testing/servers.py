"""The real processes, as the Procfile starts them, against the test run's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Servers:
    """Where `web` and `live` listen, on 127.0.0.1."""

    web_port: int
    live_port: int

    def url(self, slug: str, path: str) -> str:
        """Of an organization's host; of the operator's without a `slug`."""
        host = f"{slug}.localhost" if slug else "localhost"
        return f"http://{host}:{self.web_port}{path}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def _process(*command: str, environment: dict[str, str], ready: str) -> Iterator[None]:
    program = str(Path(sys.executable).parent / command[0])
    process = subprocess.Popen([program, *command[1:]], env=environment, cwd=settings.BASE_DIR)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start; its output is above.")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def running_servers(environment: Mapping[str, str] = os.environ) -> Iterator[Servers]:
    """`web` with two workers and `live`, until the end of the block."""
    servers = Servers(free_port(), free_port())
    environment = {
        **environment,
        "PORT": str(servers.web_port),
        "LIVE_PORT": str(servers.live_port),
        "PUBLIC_BASE_URL": f"http://localhost:{servers.web_port}",
        # See testing/recordings.py.
        "RECORDING_HOSTS": "127.0.0.1",
        "OUTGOING_INSECURE": "1",
    }
    web = (
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(servers.web_port), "--workers", "2", "--blocking-threads", "4"),
        "config.wsgi:application",
    )
    live = (
        *("uvicorn", "config.asgi:application", "--host", "127.0.0.1"),
        *("--port", str(servers.live_port), "--lifespan", "off", "--no-access-log"),
        *("--ws-max-size", "8192"),
    )
    with (
        _process(
            *web, environment=environment, ready=f"http://127.0.0.1:{servers.web_port}/health"
        ),
        _process(*live, environment=environment, ready=f"http://127.0.0.1:{servers.live_port}/"),
    ):
        yield servers
