"""Scripts come with their hash, so that one that was changed on the way does not run."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from config.templatetags import scripts
from testing.fixtures import ClientFactory, World


def hash_of(file: Path) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()


@pytest.mark.parametrize("path", ["/sign-in/", "/nothing/"])
def test_pages_and_error_pages_load_the_script_with_its_hash(
    world: World, browser_of: ClientFactory, settings: Any, path: str
) -> None:
    content = browser_of(None, world.acme).get(path).content.decode()
    expected = hash_of(settings.BASE_DIR / "static" / "app.js")
    assert re.findall(r"<script[^>]*>", content) == [
        f'<script src="/static/app.js" integrity="{expected}" defer>'
    ]


@pytest.mark.parametrize("path", ["/", "/calls/", "/agents/", "/deliveries/"])
def test_a_page_of_a_member_loads_no_script_without_a_hash(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    content = browser_of(world.people.alice, world.acme).get(path).content.decode()
    loaded = re.findall(r"<script[^>]*\bsrc=[^>]*>", content)
    assert len(loaded) >= 3
    assert all(' integrity="sha384-' in tag for tag in loaded)


def test_an_edited_script_gets_a_new_hash(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    file = tmp_path / "edited.js"
    for text in ("1", "22"):
        file.write_text(text)
        assert hash_of(file) in scripts.script_if_possible("edited.js")


def test_a_script_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        scripts.script("missing.js")


def test_an_error_page_does_without_a_script_that_is_not_there() -> None:
    assert scripts.script_if_possible("missing.js") == ""
