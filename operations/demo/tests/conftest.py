"""The demo beside the tests' own organizations, under other names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command

from operations.demo import kept, loading, people
from operations.demo.profiles import ACME, GLOBEX
from testing.fixtures import World


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo under names that the tests' own organizations leave free; where its file goes."""
    profiles = (replace(ACME, slug="demo-dental"), replace(GLOBEX, slug="demo-insurance"))
    slugs = {"acme": "demo-dental", "globex": "demo-insurance"}
    members = tuple(
        replace(member, slug=slugs[member.slug], email=f"demo-{member.email}")
        for member in people.MEMBERS
    )
    monkeypatch.setattr(loading, "PROFILES", profiles)
    monkeypatch.setattr(loading, "SHARES", {"demo-dental": 0.6, "demo-insurance": 0.4})
    monkeypatch.setattr(people, "MEMBERS", members)
    monkeypatch.setattr(people, "SUPER_ADMIN_EMAIL", "demo-sam@example.com")
    monkeypatch.setattr(people, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(kept, "FILE", tmp_path / "demo-retell.sqlite3")
    return tmp_path / "demo.json"


@pytest.fixture
def loaded(committed: World, elsewhere: Path) -> Iterator[Path]:
    call_command("load_demo", calls=50)
    yield elsewhere
    call_command("remove_demo")
