"""Makes `.venv` as `requirements.lock` says, then becomes a command of it.

Runs before anything is installed, with whatever Python the machine has: the standard library
only, and no syntax newer than Python 3.8.

    python3 -m operations.local.install [COMMAND ...]
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from operations.local.errors import LocalError
from operations.local.folders import CLONE, Folders

VENV = CLONE / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
REQUIREMENTS = CLONE / "requirements.lock"
LOG = CLONE / ".local" / "log" / "install.log"
STAMP = VENV / "installed"
PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
PROGRESS_SECONDS = 5


def main(command: list[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _install_if_needed()
        program = _program(command[0]) if command else ""
    except LocalError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: {error.filename}: {error.strerror}; nothing was removed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the next start goes on from here.", file=sys.stderr)
        return 130
    if command:
        sys.stdout.flush()
        os.execv(program, [program, *command[1:]])
    return 0


def _program(name: str) -> str:
    """The whole path of a command: by it Python finds its venv."""
    return _uv() if name == "uv" else str(VENV / "bin" / name)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _install_if_needed() -> None:
    folders = Folders.for_run()
    folders.create()
    with _turn_of(folders.local / "install.lock"):
        if not _is_current():
            LOG.unlink(missing_ok=True)
            _make_venv()
            _install()
            STAMP.write_text(_stamp())


@contextlib.contextmanager
def _turn_of(lock: Path) -> Iterator[None]:
    """One installation at a time: `make run` and `make test` may start together."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stamp() -> str:
    """What the installed packages belong to; scripts in a venv hold its path."""
    return f"{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()} {VENV}\n"


def _is_current() -> bool:
    with contextlib.suppress(OSError):
        return STAMP.read_text() == _stamp() and os.access(VENV_PYTHON, os.X_OK)
    return False


def _make_venv() -> None:
    """Create the venv unless a working one of this place is there."""
    moved = STAMP.exists() and not STAMP.read_text().endswith(f" {VENV}\n")
    if moved or not _runs(VENV_PYTHON, IS_NEW_ENOUGH):
        shutil.rmtree(VENV, ignore_errors=True)
        _run("Making .venv", _venv_command())
    STAMP.unlink(missing_ok=True)


def _venv_command() -> list[str]:
    uv = shutil.which("uv")
    python = _find_python()
    if uv:
        return [uv, "venv", "--quiet", "--python", python or ">=3.11", str(VENV)]
    if not python:
        raise LocalError(
            "Python 3.11 or newer is needed and only "
            f"{sys.version_info[0]}.{sys.version_info[1]} was found; nothing was installed: "
            "install python3.11 and python3.11-venv, or uv."
        )
    if not _runs(python, "import ensurepip, venv"):
        raise LocalError(
            f"{python} comes without its venv module; nothing was installed: run "
            "`apt-get install python3-venv` (as root), then start again."
        )
    return [python, "-m", "venv", str(VENV)]


def _find_python() -> str | None:
    found = (shutil.which(name) for name in PYTHONS)
    candidates = [sys.executable, *(path for path in found if path)]
    return next((path for path in candidates if _runs(path, IS_NEW_ENOUGH)), None)


def _runs(python: str | Path, code: str) -> bool:
    with contextlib.suppress(OSError):
        done = subprocess.run([str(python), "-c", code], stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0
    return False


def _install() -> None:
    command = [
        _uv(),
        "pip",
        "sync",
        "--quiet",
        "--compile-bytecode",
        "--require-hashes",
        f"--python={VENV_PYTHON}",
    ]
    _run("Installing packages", [*command, str(REQUIREMENTS)])


def _uv() -> str:
    """The installer: the machine's, or one that pip puts into the venv."""
    own = VENV / "bin" / "uv"
    found = shutil.which("uv")
    if found or own.exists():
        return found or str(own)
    if not _runs(VENV_PYTHON, "import pip"):
        _run("Adding pip", [str(VENV_PYTHON), "-m", "ensurepip"])
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "uv"]
    _run("Adding uv", command)
    return str(own)


def _run(step: str, command: list[str]) -> None:
    """Run with its output in the log, saying every few seconds that it still runs."""
    began = time.monotonic()
    print(f"{step} …", flush=True)
    with LOG.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _await(process, step, began)
    if process.returncode:
        raise LocalError(
            f"{step} failed ({_last_line()}); what was installed is kept: check the network, "
            f"see {LOG}, and start again."
        )
    print(f"{step}: done in {time.monotonic() - began:.1f} s", flush=True)


def _await(process: subprocess.Popen[bytes], step: str, began: float) -> None:
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PROGRESS_SECONDS)
                return
            print(f"{step} … {time.monotonic() - began:.0f} s", flush=True)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _last_line() -> str:
    lines = LOG.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
