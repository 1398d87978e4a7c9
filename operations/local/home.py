"""Where the engines keep data, sockets and passwords."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.local.account import Account
from operations.local.errors import LocalError
from operations.local.folders import Folders, make_folder, write_private

# A socket's path has at most 107 characters, so sockets never live inside the clone.
SOCKET_PARENT = Path("/tmp")  # noqa: S108 - mkdtemp makes a private folder there
# Only for root with a clone that the engines' account cannot reach, such as one under /root.
OUTSIDE_PARENT = Path("/var/lib")


@dataclass
class Home:
    """What `.local/engines.json` remembers."""

    database_password: str
    cache_password: str
    sockets: str
    outside: str | None = None  # the data's folder where it cannot be inside the clone

    @classmethod
    def open(cls, folders: Folders, account: Account) -> Home:
        if folders.engines.exists():
            home = cls._read(folders.engines)
        else:
            home = cls._new(folders, account)
        home._restore_sockets(folders, account)
        write_private(folders.engines, json.dumps(asdict(home), indent=1) + "\n")
        return home

    @classmethod
    def _read(cls, path: Path) -> Home:
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            raise LocalError(
                f"{path} is damaged and it holds the database's password; everything was left "
                "as it is: restore the file, or run `make clean-local` to start anew without "
                "the stored data."
            ) from None

    @classmethod
    def _new(cls, folders: Folders, account: Account) -> Home:
        if (folders.local / "postgres" / "data").exists():
            raise LocalError(
                f"{folders.engines} is missing and it holds the database's password; the data "
                "was left as it is: restore the file, or run `make clean-local` to start anew "
                "without the stored data."
            )
        outside = None
        if not account.can_enter(folders.local):
            outside = _private_folder(OUTSIDE_PARENT, folders, account)
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), "", outside)

    def _restore_sockets(self, folders: Folders, account: Account) -> None:
        """Keep the same folder, so that addresses stay; /tmp may have been emptied since."""
        if not self.sockets or not _is_private(Path(self.sockets), account):
            self.sockets = _private_folder(SOCKET_PARENT, folders, account)

    def data_parent(self, folders: Folders, account: Account) -> Path:
        if self.outside:
            if not Path(self.outside).is_dir():
                raise LocalError(
                    f"The database's folder {self.outside} is gone; nothing was changed: restore "
                    "it, or run `make clean-local` to start anew."
                )
            return Path(self.outside)
        parent = folders.local / "postgres"
        if not parent.exists():
            make_folder(parent, 0o700)
            account.own(parent)
        return parent

    def forgotten(self, folders: Folders) -> list[Path]:
        """Data of this clone outside it, from a `.local` that was deleted by hand."""
        found = OUTSIDE_PARENT.glob(f"switchboard-{folders.fingerprint}-*")
        return [path for path in found if str(path) != self.outside]

    def remove(self, account: Account) -> None:
        """Delete what lies outside the clone, if it is what we made."""
        for text in (self.sockets, self.outside):
            if text and _is_private(Path(text), account):
                shutil.rmtree(text)


def _private_folder(parent: Path, folders: Folders, account: Account) -> str:
    try:
        path = Path(tempfile.mkdtemp(prefix=f"switchboard-{folders.fingerprint}-", dir=parent))
    except OSError as error:
        raise LocalError(
            f"No folder for the engines could be made in {parent} ({error.strerror}); nothing "
            "was changed: make it writable, or move the clone to where every user may pass."
        ) from None
    account.own(path)
    return str(path)


def _is_private(path: Path, account: Account) -> bool:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    private = stat.S_IMODE(status.st_mode) & 0o077 == 0
    return stat.S_ISDIR(status.st_mode) and private and status.st_uid == account.uid
