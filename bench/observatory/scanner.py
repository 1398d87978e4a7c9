"""MDN's scanner: put in place with npm, and run on a list of pages."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.observatory.certificates import make_certificate

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
STAMP = MODULES / ".installed"
OLDEST_NODE = 20
SECONDS = 300
# What npm calls it when the packages cannot be fetched; every other error is a fault of ours.
NO_NETWORK = (
    *("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH"),
    *("ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "ENOTCACHED"),
)


class NotPossible(Exception):
    """The scanner cannot run on this machine; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Page:
    host: str
    path: str
    status: int
    cookie: str = ""

    @property
    def name(self) -> str:
        return f"{self.host}{self.path}{' (signed in)' if self.cookie else ''}"


@dataclass(frozen=True, slots=True)
class Grade:
    """`results` are the scanner's words for what it found, each with the points it gave."""

    status: int
    score: int
    results: list[tuple[str, int]]


def install() -> None:
    """Raises NotPossible without Node, npm or, the first time, the network."""
    _check_node()
    stamp = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == stamp:
        return
    command = ["npm", "ci", "--no-progress"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        if any(code in done.stderr for code in NO_NETWORK):
            raise NotPossible("its packages could not be fetched: there is no network.")
        raise SystemExit(f"npm could not install the scanner:\n{done.stderr}")
    STAMP.write_text(stamp)


def _check_node() -> None:
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise NotPossible(f"{tool} is not installed; it needs Node {OLDEST_NODE} or newer.")
    command = ["node", "--version"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        raise NotPossible(f"this is Node {version}; it needs {OLDEST_NODE} or newer.")


def grade(pages: Sequence[Page], web_port: int) -> list[Grade]:
    made = make_certificate(*{page.host for page in pages})
    task = {
        "web": web_port,
        "key": made.key,
        "certificate": made.certificate,
        "pages": [asdict(page) for page in pages],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(made.authority)
        authority.flush()
        done = subprocess.run(
            ["node", "scan.mjs"],
            cwd=HERE,
            # Nothing else of ours: a proxy of the environment would get our requests.
            env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": authority.name},
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode:
        raise SystemExit("The scanner failed; its words are above.")
    return [Grade(**json.loads(line)) for line in done.stdout.splitlines()]
