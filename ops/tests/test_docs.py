"""The shell commands in the documentation are run, in a sandbox with the embedded engines.

Each ```sh block says in its first line `# tested`, or `# not tested:` and why.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from testing.databases import drop_rehearsal
from testing.fixtures import World
from testing.servers import Servers
from testing.units import OPS, marked_place

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DATABASE = "switchboard_docs"  # as installing.md calls it
KEYS = {
    "SECRET_KEY": "docs-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "ENCRYPTION_KEYS": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "BACKUP_KEY": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
}


@dataclass(frozen=True)
class Block:
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def is_tested(self) -> bool:
        return self.text.startswith("# tested\n")


def blocks() -> Iterator[Block]:
    for document in DOCUMENTS:
        text = document.read_text()
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            yield Block(str(document.relative_to(ROOT)), line, found[1])


@pytest.mark.parametrize("block", list(blocks()), ids=str)
def test_every_block_says_whether_it_is_run(block: Block) -> None:
    assert block.is_tested or re.match(r"# not tested: \w.{10,}\n", block.text)


class Sandbox:
    """What installing.md leaves behind: settings in a file, `switchboard` on the path."""

    def __init__(self, folder: Path, public_url: str) -> None:
        self.folder = folder
        self.settings = folder / "environment"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "switchboard").symlink_to(OPS / "switchboard")
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        self.environment = {
            "PATH": os.pathsep.join((str(programs), self._client_programs(), os.environ["PATH"])),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ADMIN_URL": os.environ["DATABASE_ADMIN_URL"],
            "PUBLIC_BASE_URL": public_url,
            "SWITCHBOARD_HOME": str(ROOT),
            "SWITCHBOARD_ENVIRONMENT": str(self.settings),
            "SWITCHBOARD_USER": user,
        }
        self.fill_in(KEYS | {"REDIS_URL": os.environ["REDIS_URL"], "BACKUP_DIR": str(folder)})

    @staticmethod
    def _client_programs() -> str:
        """`psql`, of the embedded engine."""
        from operations.local.binaries import Binaries

        return str(Binaries.installed().postgresql)

    def fill_in(self, values: dict[str, str]) -> None:
        """As a person edits the marked place of the template, and the database forgets here."""
        if not self.settings.exists():
            self.settings.write_text(marked_place(OPS / "environment.example"))
            values = values | {"REFUSE_FORGETFUL_DATABASE": "false"}
        text = self.settings.read_text()
        for name, value in values.items():
            text, count = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1, name
        self.settings.write_text(text)

    def run(self, block: Block) -> str:
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{block}\n{result.stdout}{result.stderr}"
        return result.stdout


@pytest.fixture
def sandbox(tmp_path: Path, servers: Servers, committed: World) -> Iterator[Sandbox]:
    drop_rehearsal(DATABASE)
    yield Sandbox(tmp_path, f"http://127.0.0.1:{servers.web_port}")
    drop_rehearsal(DATABASE)


def test_the_commands_of_the_documentation_work(sandbox: Sandbox) -> None:
    """In the order in which they are read: installing first, everything else on what it left."""
    assert sys.prefix.startswith(str(ROOT)), "the script starts the checkout's own Python"
    tested = sorted(
        (block for block in blocks() if block.is_tested),
        key=lambda block: ("installing" not in block.file, block.file, block.line),
    )
    said: dict[str, str] = {}
    for block in tested:
        said[str(block)] = sandbox.run(block)
        if "setup_database" in block.text:
            lines = re.findall(r"^(DATABASE_\w+)=(.*)$", said[str(block)], re.MULTILINE)
            sandbox.fill_in(dict(lines))
    together = "\n".join(said.values())
    for expected in ("Ready: 0 organization(s)", "/webhooks/retell/", "401", "open_for"):
        assert expected in together
    assert len(tested) >= 6
