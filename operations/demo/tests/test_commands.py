"""The demo comes with one command and goes with one, and leaves what is real alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from operations.demo import people
from operations.demo.lines import find_lines
from tenants.models import Organization
from tenants.scope import platform
from testing.fixtures import World


def test_demo_is_refused_where_its_names_are_taken(world: World) -> None:
    with pytest.raises(CommandError, match=r"acme, globex.*nothing was loaded"):
        call_command("load_demo")


def test_removing_without_a_demo_removes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(people, "DEMO_FILE", tmp_path / "demo.json")
    call_command("remove_demo")
    with platform():
        assert Organization.objects.count() == 2
        assert User.objects.filter(email="alice@example.com").exists()


def test_sign_ins_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    people.write_sign_ins([people.SignIn("http://x", "alice@example.com", "secret", "admin")], file)
    assert file.stat().st_mode & 0o777 == 0o600
    written: list[dict[str, Any]] = json.loads(file.read_text())
    assert written[0]["email"] == "alice@example.com"


def test_feed_finds_no_line_without_a_demo(world: World) -> None:
    assert find_lines() == []
