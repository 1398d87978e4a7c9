"""Imports between apps go down only.

    operations   webhooks      7
    analytics  billing exports 6
    completeness               5
    calls   ──▶  agents        4
    jobs  notices ──▶ notifications 3
    accounts                   2
    audit        ──▶ tenants   1

`audit` is a sink, and lies below the people whose doings it keeps (docs/adr/0005); its pages are
the one part that knows who is looking.

`config` holds settings, URLs and the frame of pages, which may know every app; an app uses only
the parts of it that know nothing above that app.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LAYERS = {
    "tenants": 1,
    "audit": 1,
    "accounts": 2,
    "notifications": 3,
    "jobs": 3,
    "notices": 3,
    "agents": 4,
    "calls": 4,
    "completeness": 5,
    "analytics": 6,
    "billing": 6,
    "exports": 6,
    "webhooks": 7,
    "operations": 7,
}
# Arrows between two apps of one layer. Loading demo data plays Retell at the webhooks' door, and
# the operator's pages set a new organization's door up.
SIDEWAYS = {
    ("audit", "tenants"),
    ("jobs", "notifications"),
    ("notices", "notifications"),
    ("calls", "agents"),
    ("operations", "webhooks"),
}
# Pages of an app that lies below the people who look at them; nothing imports these.
PAGES = {
    "audit/views.py": 3,
    "audit/urls.py": 3,
    "audit/urls_operator.py": 3,
    "audit/api/views.py": 3,
    "audit/api/urls.py": 3,
}


def sources(app: str) -> list[Path]:
    """The product's own files: tests may reach everywhere."""
    return [file for file in sorted((ROOT / app).rglob("*.py")) if "tests" not in file.parts]


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, also inside functions; each name of a `from` import."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they lead"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def may_import(app: str, other: str, file: str = "") -> bool:
    if app == other:
        return True
    return LAYERS[other] < PAGES.get(file, LAYERS[app]) or (app, other) in SIDEWAYS


def arrows(app: str) -> Iterator[tuple[Path, str, str]]:
    for file in sources(app):
        for name in imports(file):
            if (other := name.partition(".")[0]) in LAYERS:
                yield file.relative_to(ROOT), other, name


APPS = [app for app in LAYERS if (ROOT / app).is_dir()]


def test_every_app_has_a_layer() -> None:
    folders = {file.parent.name for file in ROOT.glob("*/apps.py")}
    assert folders - {"config"} <= set(LAYERS)


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_downwards_only(app: str) -> None:
    upward = [
        (str(file), name)
        for file, other, name in arrows(app)
        if not may_import(app, other, str(file))
    ]
    assert upward == []


def config_modules(name: str) -> set[str]:
    """`config.errors` of `config.errors.not_found`, if that is a module."""
    parts = name.split(".")
    names = (".".join(parts[:length]) for length in range(2, len(parts) + 1))
    return {module for module in names if (ROOT / f"{module.replace('.', '/')}.py").is_file()}


def apps_known_to(module: str) -> set[str]:
    """Apps that a module of config imports, by way of other modules of config too."""
    known: set[str] = set()
    for name in imports(ROOT / f"{module.replace('.', '/')}.py"):
        if (app := name.partition(".")[0]) in LAYERS:
            known.add(app)
        elif app == "config":
            known.update(*(apps_known_to(inner) for inner in config_modules(name)))
    return known


@pytest.mark.parametrize("app", APPS)
def test_an_app_reaches_no_higher_app_through_config(app: str) -> None:
    wrong = [
        (str(file.relative_to(ROOT)), name, other)
        for file in sources(app)
        for name in imports(file)
        if name.startswith("config.")
        for module in config_modules(name)
        for other in apps_known_to(module)
        if not may_import(app, other, str(file.relative_to(ROOT)))
    ]
    assert wrong == []


def test_nothing_imports_tests() -> None:
    wrong = [
        (str(file.relative_to(ROOT)), name)
        for app in (*APPS, "config")
        for file in sources(app)
        for name in imports(file)
        if "tests" in name.split(".") or name.startswith("testing.")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "folder", ["operations/local", "operations/demo/generator.py", "tenants/db/setup.py"]
)
def test_what_runs_before_django_does_not_import_it(folder: str) -> None:
    path = ROOT / folder
    files = [path] if path.is_file() else sources(folder)
    wrong = [
        (str(file.relative_to(ROOT)), name)
        for file in files
        for name in imports(file)
        if name.partition(".")[0] == "django"
    ]
    assert wrong == []
