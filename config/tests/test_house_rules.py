"""What must not be written, and why: each rule was paid for once.

Sources are read as syntax trees; tests are exempt, they do forbidden things on purpose.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython
from django.db.models import Model

from config import errors, mail

ROOT = Path(settings.BASE_DIR)
FOLDERS = [file.parent for file in sorted(ROOT.glob("*/apps.py"))]
Finder = Callable[[ast.AST], bool]


@cache
def sources() -> list[tuple[str, ast.Module]]:
    files = (file for folder in FOLDERS for file in sorted(folder.rglob("*.py")))
    return [
        (str(file.relative_to(ROOT)), ast.parse(file.read_text()))
        for file in files
        if "tests" not in file.parts and "migrations" not in file.parts
    ]


def found(is_it: Finder, *, allowed: tuple[str, ...] = (), only: str = "") -> list[str]:
    """Places where a rule is broken, as file:line."""
    return [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in sources()
        if name not in allowed and _is_in(only, name)
        for node in ast.walk(tree)
        if is_it(node)
    ]


def _is_in(module: str, name: str) -> bool:
    """Whether a file is an app's `views.py`, or of its package `views/`."""
    folder = f"/{module.removesuffix('.py')}/"
    return not module or name.endswith(f"/{module}") or folder in name


def last_name(node: ast.AST) -> str:
    """`b` of `a.b`, and of `a.b()`."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# --- Organizations -------------------------------------------------------------------------------


def _enters_a_bare_name(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Name) for item in node.items
    )


def test_no_tenant_is_entered_by_itself() -> None:
    """`with organization:` keeps its state on a shared object: two threads swap organizations."""
    assert found(_enters_a_bare_name) == []


def test_no_tenant_is_activated() -> None:
    """Nothing would deactivate it."""
    banned = {"activate", "deactivate", "set_schema", "set_schema_to_public"}
    allowed = ("tenants/scope.py",)
    assert (
        found(lambda n: isinstance(n, ast.Call) and last_name(n) in banned, allowed=allowed) == []
    )


def test_contexts_are_never_decorators() -> None:
    """A decorator makes one context object for all threads."""
    names = {"tenant_context", "schema_context", "organization_context", "door", "platform"}

    def decorated(node: ast.AST) -> bool:
        return isinstance(node, ast.FunctionDef) and any(
            last_name(decorator) in names for decorator in node.decorator_list
        )

    assert found(decorated) == []


def test_only_the_pin_enters_schemas() -> None:
    """Everything else uses `organization_context()`, which pins."""
    names = {"tenant_context", "schema_context"}

    def imported(node: ast.AST) -> bool:
        return isinstance(node, ast.ImportFrom) and any(a.name in names for a in node.names)

    assert found(imported, allowed=("tenants/pin.py",)) == []


def test_only_the_live_process_and_the_worker_are_async() -> None:
    """Under ASGI a connection loses its organization: one was served another's cached page."""
    live = ("notifications/consumers.py", "notifications/memory.py", "notifications/signals.py")
    allowed = (*live, "operations/jobs.py")
    assert found(lambda node: isinstance(node, ast.AsyncFunctionDef), allowed=allowed) == []


def test_nothing_hands_work_to_other_threads() -> None:
    """A new thread has no pin and a connection of its own."""
    names = {"ThreadPoolExecutor", "Thread", "sync_to_async", "async_to_sync"}
    # Neither works for an organization: signals, and signs of life, which know no database;
    # measuring, which must give a frozen database up. Each job enters its organization itself.
    allowed = (
        "notifications/signals.py",
        "config/presence.py",
        "operations/health/rounds.py",
        "operations/jobs.py",
    )
    outside = [
        place
        for place in found(
            lambda n: isinstance(n, ast.Call) and last_name(n) in names, allowed=allowed
        )
        if not place.startswith("operations/local/")
    ]
    assert outside == []


def test_only_the_owner_parts_use_the_owner_login() -> None:
    """`using="owner"` leaves roles and row-level security behind."""
    places = {
        place.partition(":")[0]
        for place in found(
            lambda n: (
                isinstance(n, ast.keyword)
                and n.arg == "using"
                and isinstance(n.value, ast.Constant)
                and n.value.value == "owner"
            )
        )
    }
    assert places <= {"tenants/migrator.py", "tenants/provisioning.py"}


def test_no_app_is_shared_and_an_organizations_own() -> None:
    """A missing table would be answered from the shared schema."""
    assert set(settings.SHARED_APPS) & set(settings.TENANT_APPS) == set()


def test_migrations_of_organizations_hold_no_python() -> None:
    """The SQL that the first organization's migration sends is replayed in all others: the values
    that Python computed from its rows would be written into everybody's."""
    labels = {name.rpartition(".")[2] for name in settings.TENANT_APPS}
    loader = MigrationLoader(None)
    wrong = [
        key
        for key, migration in loader.disk_migrations.items()
        if key[0] in labels
        and any(isinstance(operation, RunPython) for operation in migration.operations)
    ]
    assert wrong == []


def test_no_foreign_key_leads_out_of_an_organizations_schema() -> None:
    """Its schema must be dumped, restored and moved on its own."""
    labels = {name.rpartition(".")[2] for name in settings.TENANT_APPS}
    wrong = [
        f"{model._meta.label}.{field.name}"
        for label in labels
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field.related_model, type)
        and issubclass(field.related_model, Model)
        and field.related_model._meta.app_label not in labels
    ]
    assert wrong == []


# --- SQL -----------------------------------------------------------------------------------------


def _is_built(node: ast.AST) -> bool:
    """A text put together from anything but literals and CONSTANTS."""
    if isinstance(node, ast.JoinedStr):
        values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return not all(isinstance(value, ast.Name) and value.id.isupper() for value in values)
    if isinstance(node, ast.BinOp):
        return not all(
            isinstance(side, ast.Constant) or (isinstance(side, ast.Name) and side.id.isupper())
            for side in (node.left, node.right)
        )
    return (
        isinstance(node, ast.Call)
        and last_name(node) in {"format", "join", "replace"}
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Constant)
    )


def _runs_built_sql(node: ast.AST) -> bool:
    names = {"execute", "executemany", "raw", "RawSQL", "copy", "extra", "RunSQL"}
    return (
        isinstance(node, ast.Call)
        and last_name(node) in names
        and bool(node.args)
        and _is_built(node.args[0])
    )


def test_sql_is_never_built_from_strings() -> None:
    assert found(_runs_built_sql) == []


def test_composed_sql_starts_from_literals() -> None:
    """`psycopg.sql.SQL` quotes nothing: what varies goes in by Identifier and Literal."""

    def built(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and last_name(node) == "SQL"
            and any(_is_built(argument) for argument in node.args)
        )

    # What these put together are constants of theirs: a policy's condition, a GRANT's tail, casts.
    allowed = ("tenants/db/grants.py", "tenants/db/setup.py", "calls/sql.py")
    assert found(built, allowed=allowed) == []


# --- Pages ---------------------------------------------------------------------------------------


def test_text_is_marked_safe_only_where_drawings_are_made() -> None:
    names = {"mark_safe", "SafeString", "SafeText"}

    def marks(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and last_name(node) in names
            and not all(isinstance(argument, ast.Constant) for argument in node.args)
        )

    assert (
        found(marks, allowed=("config/templatetags/icons.py", "analytics/charts/drawing.py")) == []
    )


def templates() -> Iterator[Path]:
    return (ROOT / "templates").rglob("*.html")


def pages() -> Iterator[Path]:
    """Not mail: mail programs know no style sheets and no policy of ours."""
    return (file for file in templates() if file.parent.name != "mail")


@pytest.mark.parametrize("word", [r"\|\s*safe\b", r"autoescape\s+off", r"\|\s*safeseq\b"])
def test_no_template_switches_escaping_off(word: str) -> None:
    assert [str(file) for file in templates() if re.search(word, file.read_text())] == []


@pytest.mark.parametrize("word", [r"<script(?![^>]*\bsrc=)", r"\sstyle=", r"<style", r"\son\w+="])
def test_no_template_needs_an_exception_of_the_csp(word: str) -> None:
    assert [str(file) for file in pages() if re.search(word, file.read_text())] == []


def test_nothing_is_exempt_from_csrf() -> None:
    """The webhook door needs no exemption: it is answered before that middleware."""
    assert found(lambda node: last_name(node) == "csrf_exempt") == []


def test_views_write_nothing_themselves() -> None:
    """Changes are actions: they guard, name their fields, and audit."""
    names = {
        "save", "create", "update", "delete", "bulk_create", "bulk_update",
        "get_or_create", "update_or_create",
    }  # fmt: skip

    def writes(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        return node.func.attr in names and "session" not in ast.dump(node.func.value)

    assert found(writes, only="views.py") == []


def test_views_open_no_transactions() -> None:
    assert found(lambda node: last_name(node) == "atomic", only="views.py") == []


def test_every_template_is_used() -> None:
    texts = [file.read_text() for file in templates()]
    texts += [file.read_text() for folder in FOLDERS for file in folder.rglob("*.py")]
    everything = "\n".join(texts)
    names = {str(file.relative_to(ROOT / "templates")) for file in templates()}
    # Named without folder and ending; see the test below.
    names -= {f"mail/{name}.html" for name in get_args(mail.Template)}
    unused = [name for name in names if name not in everything and "errors/" not in name]
    assert unused == []


def test_every_error_page_is_used() -> None:
    text = Path(errors.__file__).read_text()
    pages = {file.stem for file in (ROOT / "templates" / "errors").glob("[45]*.html")}
    # These two were designed, and the answers are still bare.
    assert {page for page in pages if page not in text} <= {"405", "413"}


# --- Mail ----------------------------------------------------------------------------------------


def _imports(module: str) -> Finder:
    """`import a.b`, `from a import b`, `from a.b import c`."""
    parent, _, name = module.rpartition(".")

    def imports(node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            imported = node.module or ""
            return f"{imported}.".startswith(f"{module}.") or (
                imported == parent and any(alias.name == name for alias in node.names)
            )
        return isinstance(node, ast.Import) and any(
            f"{alias.name}.".startswith(f"{module}.") for alias in node.names
        )

    return imports


def test_only_jobs_send_mail() -> None:
    """A mail server would hold a request up, and its time tell which addresses have accounts."""
    places = [place.partition(":")[0] for place in found(_imports("config.mail"))]
    outside = [name for name in places if not {"tasks", "tasks.py"} & set(Path(name).parts)]
    assert outside == []


def test_mail_is_sent_in_one_place() -> None:
    allowed = ("config/mail.py", "config/mail_server.py")
    assert found(_imports("django.core.mail"), allowed=allowed) == []


def test_every_mail_has_a_text_and_an_html_template_of_its_name() -> None:
    files = {file.name for file in (ROOT / "templates" / "mail").iterdir()}
    expected = {f"{name}.{kind}" for name in get_args(mail.Template) for kind in ("txt", "html")}
    assert files - {"base.html", "_button.html"} == expected
