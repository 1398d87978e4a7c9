"""Organizations, their schemas, and the connections that lead there."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as live_settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from agents.models import Agent
from tenants.db import durability
from tenants.db.durability import ForgetfulDatabase
from tenants.models import Organization
from tenants.pin import PinViolation, organization_context
from tenants.scope import OrganizationScope, SharedScope, door, platform, scoped_connection
from testing.fixtures import World
from testing.organizations import owner_rows

ROOT = Path(live_settings.BASE_DIR)

# --- `with tenant:` ------------------------------------------------------------------------------


def test_trap_with_tenant_is_stopped_by_the_pin(acme: Organization) -> None:
    """`with organization:` enters a schema that nothing pinned: the backend refuses its queries."""
    with pytest.raises(PinViolation), acme:  # type: ignore[attr-defined]  # not in our stub
        Agent.objects.exists()


def test_trap_with_tenant_sends_each_thread_back_to_where_it_came_from(
    acme: Organization,
) -> None:
    """`with organization:` keeps one stack for all threads: who leaves first takes the other's
    way back. Ours keeps nothing on the object."""
    first_is_in, second_is_in, first_is_out = Event(), Event(), Event()

    def visit(came_from: Any, before: Event, entered: Event, leave: Event, left: Event) -> str:
        assert before.wait(10)
        with came_from:
            with organization_context(acme):
                entered.set()
                assert leave.wait(10)
            back = scoped_connection().tenant
            left.set()
        assert isinstance(back, SharedScope)
        return back.role

    start, end = Event(), Event()
    start.set()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(visit, door(), start, first_is_in, second_is_in, first_is_out)
        two = threads.submit(visit, platform(), first_is_in, second_is_in, first_is_out, end)
        assert (one.result(), two.result()) == ("door", "platform")


def _sources() -> Iterator[tuple[Path, ast.AST]]:
    for app in ROOT.glob("*/apps.py"):
        for file in sorted(app.parent.rglob("*.py")):
            if not {"tests", "migrations"} & set(file.parts):
                yield from ((file, node) for node in ast.walk(ast.parse(file.read_text())))


def test_trap_with_tenant_stands_nowhere_in_the_sources() -> None:
    """Nothing enters an organization itself: that keeps where it came from on the object."""
    for file, node in _sources():
        for item in node.items if isinstance(node, ast.With) else ():
            name = ast.unparse(item.context_expr)
            assert not re.search(r"(organization|tenant)\w*$", name), f"{file}: {name}"


def test_trap_with_tenant_contexts_decorate_nothing() -> None:
    """A decorator makes one context for all threads."""
    contexts = {"tenant_context", "schema_context", "organization_context", "door", "platform"}
    for file, node in _sources():
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            used = {getattr(part, "id", "") for part in ast.walk(decorator)}
            assert not used & contexts, f"{file}: {decorator.lineno}"


# --- A failed SET search_path --------------------------------------------------------------------


def test_trap_failed_search_path_answers_from_no_other_organization(committed: World) -> None:
    """django-tenants swallows a failed `SET search_path`; our backend raises and hangs up."""
    with organization_context(committed.globex):
        Agent.objects.create(retell_agent_id="agent_1", name="theirs")
    nowhere = OrganizationScope("org_000000000000")
    with organization_context(nowhere), pytest.raises(DatabaseError):
        pytest.fail(f"answered {list(Agent.objects.values_list('name', flat=True))}")
    assert connection.connection is None


# --- Poolers -------------------------------------------------------------------------------------


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_trap_transaction_pooler_stands_not_between_us_and_postgresql(committed: World) -> None:
    """A pool that hands connections on between transactions hands schema and role on, too: every
    statement goes to the same backend, and no pool of Django's is switched on."""
    with organization_context(committed.acme):
        first = _backend()
        with transaction.atomic():
            within = _backend()
    with organization_context(committed.globex):
        assert {first, within, _backend()} == {first}
    for database in live_settings.DATABASES.values():
        assert "pool" not in database["OPTIONS"]


# --- ASGI ----------------------------------------------------------------------------------------


def test_trap_asgi_page_of_one_organization_is_not_cached_for_another(world: World) -> None:
    """Under ASGI keys were made in `public`: ours name the pinned organization."""
    with organization_context(world.acme):
        cache.set("page", "of Acme")
    with organization_context(world.globex):
        assert cache.get("page") is None
    assert cache.get("page") is None


def _views(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.callback
        elif isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)


@pytest.mark.parametrize("urlconf", ["config.urls_organization", "config.urls_operator"])
def test_trap_asgi_no_view_is_async(urlconf: str) -> None:
    """An async view answers on a connection that forgot its organization."""
    views = list(_views(get_resolver(urlconf).url_patterns))
    assert len(views) > 40
    assert [view for view in views if inspect.iscoroutinefunction(inspect.unwrap(view))] == []


def test_trap_asgi_web_is_served_by_wsgi() -> None:
    """Pages are WSGI; only sockets are ASGI."""
    (web,) = [x for x in (ROOT / "Procfile").read_text().splitlines() if x.startswith("web:")]
    assert "--interface wsgi" in web
    assert "config.wsgi:application" in web


# --- A missing table -----------------------------------------------------------------------------


def test_trap_missing_tenant_table_people_are_not_read_from_public(in_acme: Organization) -> None:
    """`User.objects` gave the super admins, from `public`: an organization's role may not."""
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        User.objects.exists()


def test_trap_missing_tenant_table_has_no_namesake_in_public(committed: World) -> None:
    """An app in both lists makes each table twice, and a missing one is answered by the other."""
    labels = [name.rpartition(".")[2] for name in live_settings.TENANT_APPS]
    own = {m._meta.db_table for label in labels for m in apps.get_app_config(label).get_models()}
    shared = {name for (name,) in owner_rows("SELECT tablename FROM pg_tables"
                                             " WHERE schemaname = 'public'")}  # fmt: skip
    assert own
    assert own & shared == set()


# --- synchronous_commit = off --------------------------------------------------------------------


def test_trap_synchronous_commit_off_is_found_for_the_login_that_stores(world: World) -> None:
    """A login of its own setting loses acknowledged rows: asked as the one that stores them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        assert "synchronous_commit" not in durability.switched_off()
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert "synchronous_commit" in durability.switched_off()


def test_trap_synchronous_commit_off_stops_the_release(committed: World, settings: Any) -> None:
    """The tests' PostgreSQL syncs nothing: production refuses to begin on it."""
    settings.REFUSE_FORGETFUL_DATABASE = True
    with pytest.raises(ForgetfulDatabase, match="fsync, full_page_writes, synchronous_commit"):
        call_command("release")


@pytest.mark.parametrize("start", [["-c", "import config.wsgi"], ["manage.py", "worker"]])
def test_trap_synchronous_commit_off_stops_web_and_worker(
    committed: World, start: list[str]
) -> None:
    """Neither takes a delivery that a crash would take back."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *start],
        cwd=ROOT,
        env=os.environ | {"REFUSE_FORGETFUL_DATABASE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "PostgreSQL would lose what it confirmed: fsync" in done.stderr


def test_trap_synchronous_commit_off_is_asked_in_production() -> None:
    """Without being told; nothing else needs it."""
    source = (ROOT / "config" / "settings.py").read_text()
    assert 'env.bool("REFUSE_FORGETFUL_DATABASE", PRODUCTION)' in source
    assert connections["default"].settings_dict["OPTIONS"]["options"].count("commit") == 0
