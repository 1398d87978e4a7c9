"""This host: room on its disks, and its clock against those of the database and of Redis."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from operations.health.measurement import Measurement, asks_database, span

# Well with either: a tenth of a small disk, or so much of a large one.
FREE_SHARE = 0.1
FREE_BYTES = 10 * 1024**3
# Signatures of webhooks and codes of authenticators are believed for a few minutes only.
CLOCK_SECONDS = 60.0


def disks() -> dict[str, tuple[int, int]]:
    """Free and total bytes where the product writes, by what it writes there."""
    folders = {
        "product": settings.BASE_DIR,
        "backups": Path(settings.BACKUP_DIR),
        "temporary": Path(tempfile.gettempdir()),
    }
    usages = {name: shutil.disk_usage(_existing(folder)) for name, folder in folders.items()}
    return {name: (usage.free, usage.total) for name, usage in usages.items()}


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists already."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())


def disk() -> Measurement:
    tight = {
        name: free
        for name, (free, total) in disks().items()
        if free < FREE_BYTES and free < FREE_SHARE * total
    }
    if not tight:
        return Measurement("disk", is_well=True, found="There is room on the disks of this host.")
    parts = [f"{free / 1024**3:.1f} GB for {name} files" for name, free in tight.items()]
    return Measurement(
        "disk",
        is_well=False,
        found=f"Room is short: {', '.join(parts)}.",
        fix="Free or add room: old backups and logs first. PostgreSQL stops taking calls when its"
        " own disk is full.",
    )


def _database_ahead() -> float:
    """Seconds that the database's clock is ahead of this process's."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (there,) = cursor.fetchone() or (before,)
    return float(there) - (before + time.time()) / 2


def _redis_ahead() -> float | None:
    """The same of Redis; None when it does not answer."""
    try:
        before = time.time()
        seconds, microseconds = get_redis_connection().time()
    except (RedisError, OSError):
        return None
    return float(seconds + microseconds / 1e6) - (before + time.time()) / 2


@asks_database("clock")
def clock() -> Measurement:
    """Whether this host's clock agrees with the others'."""
    ahead = {"the database": _database_ahead(), "Redis": _redis_ahead()}
    known = {name: seconds for name, seconds in ahead.items() if seconds is not None}
    apart = {name: abs(seconds) for name, seconds in known.items() if abs(seconds) > CLOCK_SECONDS}
    if not apart:
        names = " and ".join(known)
        found = f"The clocks of this host, {names} agree to within {CLOCK_SECONDS:.0f} seconds."
        return Measurement("clock", is_well=True, found=found)
    parts = [f"{span(seconds)} from that of {name}" for name, seconds in apart.items()]
    return Measurement(
        "clock",
        is_well=False,
        found=f"This host's clock is {' and '.join(parts)}.",
        fix="Let every host keep its clock by NTP (`timedatectl set-ntp true`). Until then genuine"
        " webhooks and sign-in codes may be refused.",
    )
