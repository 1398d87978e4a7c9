"""Comparing with Retell's list: killed half-way once, then to its end."""

from __future__ import annotations

import sys

from testing.chaos.world import World

BEFORE_KILL_SECONDS = 2.5


def compare_all(world: World) -> list[str]:
    """Of every organization, twice: a second comparison must find nothing to add."""
    world.start_retell(sorted(world.folders.local.glob("*.plan")))
    _kill_one(world)
    problems = []
    for slug in world.schemas:
        first, second = (world.manage_json("reconcile", slug, "--json") for _ in range(2))
        if second["inserted"] or first["unreadable"]:
            problems.append(f"{slug}: compared {first}, then {second}")
    return problems


def _kill_one(world: World) -> None:
    slug = next(iter(world.schemas))
    name = "reconcile-killed"
    command = [sys.executable, "manage.py", "reconcile", slug]
    world.services[name] = world.run(name, command)
    world.wait(BEFORE_KILL_SECONDS)
    world.kill(name)
