"""Where `make run` keeps its things."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from operations.local.errors import LocalError

CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Folders:
    """The files and folders of one set of engines: the product's, or the tests'."""

    clone: Path
    local: Path

    @classmethod
    def for_run(cls, clone: Path = CLONE) -> Folders:
        return cls(clone, clone / ".local")

    @classmethod
    def for_tests(cls, clone: Path = CLONE) -> Folders:
        return cls(clone, clone / ".local" / "test")

    @property
    def environment(self) -> Path:
        return self.local / "environment"

    @property
    def logs(self) -> Path:
        return self.local / "log"

    @property
    def mail(self) -> Path:
        """Where the product leaves its mail, with links that let people in."""
        return self.local / "mail"

    @property
    def backups(self) -> Path:
        """Where the product keeps its backups; their key stands in `environment`."""
        return self.local / "backups"

    @property
    def records(self) -> Path:
        return self.local / "processes.json"

    @property
    def engines(self) -> Path:
        return self.local / "engines.json"

    @property
    def lock(self) -> Path:
        return self.local / "supervisor.lock"

    @property
    def users(self) -> Path:
        return self.local / "users.lock"

    @property
    def demo(self) -> Path:
        return self.local / "demo.json"

    @property
    def demo_retell(self) -> Path:
        """What the demo's Retell keeps."""
        return self.local / "demo-retell.sqlite3"

    @property
    def demo_loaded(self) -> Path:
        return self.local / "demo-loaded"

    @property
    def fingerprint(self) -> str:
        """Tells this folder's things from another clone's in a shared place such as /tmp."""
        return hashlib.sha256(os.fsencode(self.local)).hexdigest()[:10]

    def create(self) -> None:
        """Make the folders; as root other accounts may pass through, the engines' among them."""
        mode = 0o711 if os.geteuid() == 0 else 0o700
        for path in (self.clone / ".local", self.local):
            make_folder(path, mode)
            _check_owner(path)
        make_folder(self.logs, 0o700)
        make_folder(self.mail, 0o700)


def _check_owner(path: Path) -> None:
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise LocalError(
            f"{path} belongs to user {owner} and this is user {os.geteuid()}; it was left as it "
            "is: run make as its owner, or let the owner remove it."
        )


def make_folder(path: Path, mode: int) -> None:
    """Create a folder with exactly this mode; one that exists keeps the mode it has."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise LocalError(
                f"{path} is not a folder; it was left as it is: move it away and start again."
            ) from None
    else:
        path.chmod(mode)  # past the umask


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
