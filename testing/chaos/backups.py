"""A backup onto a full disk: it must fail loudly and leave the older ones alone."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from testing.chaos.world import World

# As much as one file may hold; writing more fails, for an ordinary user and for root.
FULL_AFTER_KB = 64


def is_there(world: World) -> bool:
    """Whether this version has the command at all."""
    return "backup" in world.manage("help", "--commands").split()


def fill_the_disk(world: World) -> list[str]:
    world.manage("backup")
    before = _files(world)
    name = "backup-on-full-disk"
    python = f"exec {sys.executable} manage.py backup"
    child = world.run(name, ["/bin/sh", "-c", f"ulimit -f {FULL_AFTER_KB * 2}; {python}"])
    world.until("Backing up onto a full disk", child.has_ended)
    world.supervisor.loop.forget(child)
    after = _files(world)
    problems = [] if before else ["the first backup left no file"]
    if child.process.returncode == 0:
        problems.append("a backup onto a full disk ended with code 0")
    changed = [path.name for path, content in before.items() if after.get(path) != content]
    return problems + [f"the older backup {name} was changed" for name in changed]


def _files(world: World) -> dict[Path, str]:
    """Each file and the SHA-256 of its content."""
    folder = Path(world.environment()["BACKUP_DIR"])
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
