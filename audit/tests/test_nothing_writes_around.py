"""Every change is written down: who writes the database in an action records it, or says why not.

Read from the sources as syntax trees, with the functions of the same module that an action calls.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from auditlog.registry import auditlog
from django.conf import settings

from config.tests.test_house_rules import last_name, sources

WRITES = {
    "save", "create", "create_user", "update", "delete", "bulk_create", "bulk_update",
    "get_or_create", "update_or_create", "execute",
}  # fmt: skip
# Receivers whose methods only sound like it: sessions and caches, dictionaries and hashes.
NO_ROWS = ("session", "cache", "hashlib", "digest")

NOT_RECORDED = {
    "accounts.actions.factors.begin_app": "nothing yet: confirm_app() records",
    "accounts.actions.sign_in.bind_session": "part of signing in, which records",
    "accounts.api_keys.actions.touch": "when a key was last used, which its page shows",
    "accounts.tokens.actions.end_tokens": "part of what ends them, which records",
    "accounts.actions.handover.mint": "a way that nobody went yet: use() records",
    "exports.actions.remove_expired": "a rule, the same for every file, which says until when",
    "notices.actions.forget_old": "retention, the same for every message",
    "operations.readiness.actions.request_assessment": "the assessment is the record",
    "operations.readiness.actions.assess_now": "the assessment is the record",
    "jobs.actions.run": "start() records; the work records what it changes, the row how it went",
    "agents.connection.actions.signing_key.mark_connection_checked": "Retell's doing, by a test",
    "agents.connection.actions.api_key.note": "what Retell says of a key, not anybody's doing",
    "agents.actions.note_agent": "Retell's doing: an agent appears with its first event",
    # Comparing with Retell's list: runs and corrections are rows, which people see.
    "completeness.actions.begin": "the run is the record; a person's begins by jobs.actions.start",
    "completeness.actions.compare": "Retell's doing, heard late",
    "completeness.actions.finish": "the run says how it ended",
    "completeness.actions.note_backfill": "the run says how far it reached",
    "completeness.actions.state": "makes the one row that says how far comparisons reached",
    "calls.actions.merging.merge": "Retell's doing: a call is what its events say",
    "calls.actions.merging.merge_many": "as merge()",
    "calls.actions.merging.record_alert": "Retell's doing",
    "webhooks.actions.receive": "Retell's doing; the delivery itself is the record",
    "webhooks.actions.apply_again": "repeats Retell's doing; replay() is a person's, and records",
    "webhooks.actions.redact_restricted": "retention; the delivery says so",
    # Below the log; operations.organizations wraps each with its entry, in one transaction.
    "tenants.actions.register_organization": "recorded as created once its schema is there",
    "tenants.actions.unregister": "takes back what was never used",
    "tenants.actions.suspend": "operations.organizations.suspend records",
    "tenants.actions.resume": "operations.organizations.resume records",
    "tenants.actions.archive": "operations.organizations.archive records",
    "tenants.actions.rotate_webhook_token": "agents.connection.actions.webhook_url records",
    "tenants.actions.expire_webhook_token": "agents.connection.actions.webhook_url records",
}


def is_actions(name: str) -> bool:
    parts = Path(name).with_suffix("").parts
    return "actions" in parts and name != "audit/actions.py"


@cache
def modules() -> list[tuple[str, dict[str, ast.FunctionDef]]]:
    found = []
    for name, tree in sources():
        if is_actions(name) or name == "operations/organizations.py":
            functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
            found.append((".".join(Path(name).with_suffix("").parts), functions))
    return found


def calls_of(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def writes_rows(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in WRITES:
        return False
    receiver = ast.unparse(call.func.value)
    return not any(word in receiver for word in NO_ROWS)


def reached(name: str, functions: dict[str, ast.FunctionDef]) -> list[ast.Call]:
    """Every call that a function makes, and those of its module that it calls, and so on."""
    calls: list[ast.Call] = []
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        now = waiting.pop()
        if now in functions and now not in seen:
            seen.add(now)
            made = list(calls_of(functions[now]))
            calls += made
            waiting += [last_name(call) for call in made]
    return calls


def performed(call: ast.Call) -> str:
    """The name of a function that is called by itself or on a module of actions; not a method."""
    if isinstance(call.func, ast.Attribute):
        owners = {module.rpartition(".")[2] for module, _ in modules()}
        return call.func.attr if ast.unparse(call.func.value) in owners else ""
    return last_name(call)


def unrecorded() -> set[str]:
    """Public functions of actions that write rows and record nothing."""
    made = {
        f"{module}.{name}": reached(name, functions)
        for module, functions in modules()
        for name in functions
        if not name.startswith("_")
    }
    recording = {"record"} | {
        place.rpartition(".")[2]
        for place, calls in made.items()
        if "record" in map(performed, calls)
    }
    return {
        place
        for place, calls in made.items()
        if any(map(writes_rows, calls)) and recording.isdisjoint(map(performed, calls))
    }


def test_every_action_that_writes_records_it_or_says_why_not() -> None:
    assert unrecorded() - NOT_RECORDED.keys() == set()


def test_every_exception_is_still_one() -> None:
    assert NOT_RECORDED.keys() - unrecorded() == set()


def declared() -> dict[str, tuple[str, str]]:
    """Every `NAME = Action("code", …)` of the product: its code by module and name."""
    return {
        f"{file}:{node.targets[0].id}": (node.targets[0].id, str(node.value.args[0].value))
        for file, tree in sources()
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and last_name(node.value) == "Action"
        and node.value.args
        and isinstance(node.value.args[0], ast.Constant)
    }


def test_every_declared_action_is_recorded_somewhere() -> None:
    used = {
        node.id
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    } | {
        node.attr
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    assert [place for place, (name, _) in declared().items() if name not in used] == []


def test_every_process_can_name_every_entry() -> None:
    """A page of an organization shows what only a command or the operator's host ever does."""
    code = (
        "import django, json; django.setup(); from audit.vocabulary import declared;"
        " print(json.dumps(list(declared())))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    output = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, check=True).stdout
    assert set(json.loads(output)) == {code for _, code in declared().values()}


def test_nothing_is_registered_with_auditlog() -> None:
    """It would write past the chain, and not see `update()` and `bulk_create()`."""
    assert auditlog.get_models() == []


@pytest.mark.parametrize("manager", ["log_create", "log_m2m_changes"])
def test_auditlogs_own_ways_in_are_not_used(manager: str) -> None:
    calls = (n for _, tree in sources() for n in ast.walk(tree) if isinstance(n, ast.Call))
    assert not any(last_name(call) == manager for call in calls)


def test_entries_are_made_in_one_place() -> None:
    makers = {
        file
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and last_name(node) == "Entry"
    }
    assert makers == {"audit/actions.py"}
