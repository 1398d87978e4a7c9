"""Installed versions against the list of those with known vulnerabilities."""

from __future__ import annotations

import pytest
from packaging.version import Version

from operations.readiness import floors
from testing.fixtures import World

POSTGRESQL = ["15.15", "16.11", "17.7", "18.1"]


def test_what_this_release_installs_is_above_its_own_floors(world: World) -> None:
    assert floors.below() == []


@pytest.mark.parametrize(
    ("version", "floor"),
    [("14.20", "15.15"), ("15.14", "15.15"), ("18.0", "18.1"), ("18.4", "18.1"), ("19.0", None)],
)
def test_a_server_is_held_to_the_floor_of_its_branch(version: str, floor: str | None) -> None:
    assert floors._floor_for(version, POSTGRESQL) == floor


def test_an_installed_package_below_its_floor_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"name": "Django", "floor": "99.0", "advisory": "CVE-2099-1"}
    monkeypatch.setattr(floors, "floors", lambda: {"package": [entry], "server": []})
    (sentence,) = floors.below()
    assert sentence.endswith("(CVE-2099-1, fixed in 99.0)")


def test_the_list_can_be_read() -> None:
    listed = floors.floors()
    assert all(Version(entry["floor"]) for entry in listed["package"])
    assert all(entry["advisory"].startswith("CVE-") for kind in listed.values() for entry in kind)
