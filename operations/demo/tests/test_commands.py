"""The demo comes with one command and goes with one, and leaves what is real alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.models import User
from audit.tests.chains import entries, texts
from calls.models import Call
from operations.demo import people
from operations.demo.lines import find_lines
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import World


def organizations() -> list[Organization]:
    with platform():
        return list(Organization.objects.order_by("slug"))


def sign_ins(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


def test_demo_brings_two_organizations_with_their_calls(loaded: Path) -> None:
    dental, insurance = (each for each in organizations() if each.is_demo)
    counts = []
    for organization in (dental, insurance):
        with organization_context(organization):
            counts.append(Call.objects.count())
    assert counts == [30, 20]


def test_demo_writes_down_its_settings_and_people_not_its_calls(loaded: Path) -> None:
    for organization in (each for each in organizations() if each.is_demo):
        found = entries(organization)
        assert {entry.actor_label.partition(" (")[0] for entry in found} == {"manage.py load_demo"}
        assert {entry.code.partition(".")[0] for entry in found} == {"accounts", "agents"}
        assert len(found) < 20
        assert texts(organization) == []


def test_demo_says_how_five_people_sign_in(loaded: Path) -> None:
    lines = sign_ins(loaded)
    assert [line["email"] for line in lines] == [
        "demo-sam@example.com",
        "demo-alice@example.com",
        "demo-bob@example.com",
        "demo-carol@example.com",
        "demo-dave@example.com",
    ]
    with platform():
        for line in lines:
            assert User.objects.get(email=line["email"]).check_password(line["password"])


def test_loading_again_changes_nothing(loaded: Path) -> None:
    before = sign_ins(loaded)
    call_command("load_demo", calls=50)
    assert sign_ins(loaded) == before


def test_an_interrupted_load_begins_anew(loaded: Path) -> None:
    before = {organization.pk for organization in organizations()}
    loaded.unlink()
    call_command("load_demo", calls=50)
    assert len({organization.pk for organization in organizations()} - before) == 2
    assert loaded.exists()


def test_feed_finds_the_webhooks_of_both_organizations(loaded: Path) -> None:
    assert {line.slug for line in find_lines()} == {"demo-dental", "demo-insurance"}


def test_removing_leaves_only_what_is_real(loaded: Path) -> None:
    schemas = [each.schema_name for each in organizations() if each.is_demo]
    call_command("remove_demo")
    with platform():
        assert not User.objects.filter(email__startswith="demo-").exists()
        assert User.objects.filter(email="alice@example.com").exists()
    assert [organization.slug for organization in organizations()] == ["acme", "globex"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)", [schemas])
        assert cursor.fetchall() == []
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE ANY (%s)",
                       [[f"%{schema}" for schema in schemas]])  # fmt: skip
        assert cursor.fetchall() == []
    assert not loaded.exists()


def test_demo_is_refused_where_its_names_are_taken(world: World) -> None:
    with pytest.raises(CommandError, match=r"acme, globex.*nothing was loaded"):
        call_command("load_demo")


def test_sign_ins_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    people.write_sign_ins([people.SignIn("http://x", "alice@example.com", "secret", "admin")], file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_feed_finds_no_line_without_a_demo(world: World) -> None:
    assert find_lines() == []
