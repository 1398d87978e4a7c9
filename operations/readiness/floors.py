"""Installed versions against those in which known vulnerabilities are fixed (`floors.toml`)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from django.db import connection
from django_redis import get_redis_connection
from packaging.version import Version
from redis.exceptions import RedisError

FLOORS = Path(__file__).with_name("floors.toml")


@functools.cache
def floors() -> dict[str, list[dict[str, Any]]]:
    """The shipped list: `package` with a floor each, `server` with one a major version."""
    return tomllib.loads(FLOORS.read_text())


def below() -> list[str]:
    """What runs here below its floor, as "urllib3 2.5.0 (CVE-…, fixed in 2.6.3)"."""
    return [*_packages_below(), *_servers_below()]


def _packages_below() -> Iterator[str]:
    for entry in floors()["package"]:
        try:
            installed = metadata.version(entry["name"])
        except metadata.PackageNotFoundError:
            continue
        if Version(installed) < Version(entry["floor"]):
            yield _sentence(entry, installed, entry["floor"])


def _servers_below() -> Iterator[str]:
    running = {"PostgreSQL": _postgresql(), **_cache()}
    for entry in floors()["server"]:
        version = running.get(entry["name"])
        floor = _floor_for(version, entry["floors"]) if version else None
        if version and floor and Version(version) < Version(floor):
            yield _sentence(entry, version, floor)


def _floor_for(version: str, listed: Sequence[str]) -> str | None:
    """That of its own branch, else of the next newer one; None above all that are listed."""
    reached = [floor for floor in listed if _branch(floor) >= _branch(version)]
    return min(reached, key=Version, default=None)


def _branch(version: str) -> tuple[int, ...]:
    return Version(version).release[:-1]


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        (number,) = cursor.fetchone() or (0,)
    return f"{number // 10_000}.{number % 10_000}"


def _cache() -> dict[str, str]:
    """The name and version of what answers at REDIS_URL; nothing when it is away."""
    try:
        info = get_redis_connection().info("server")
    except (RedisError, OSError):
        return {}
    if "valkey_version" in info:
        return {"Valkey": str(info["valkey_version"])}
    return {"Redis": str(info["redis_version"])}


def _sentence(entry: dict[str, Any], version: str, floor: str) -> str:
    return f"{entry['name']} {version} ({entry['advisory']}, fixed in {floor})"
