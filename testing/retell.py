"""Deliveries as Retell sends them: the sample bodies, signatures, posts, and what they lead to."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, models, transaction
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from retell.lib.webhook_auth import symmetric

from calls import sql as calls_sql
from calls.models import Call, Chat
from calls.reader import Reading
from calls.sql import CALLS, Target
from tenants.pin import organization_context
from testing.fixtures import KEYS, CanaryClient, World
from webhooks import actions, retell
from webhooks.actions import Receipt
from webhooks.models import Delivery

SAMPLES = Path(settings.BASE_DIR) / "webhooks" / "tests" / "samples"
# More bodies than the project's own, of the same layout; they must be taken too. Named by the
# environment, or found in a folder beside the checkout.
_beside = next(iter(Path(settings.BASE_DIR).parent.glob("*/retell/samples/manifest.json")), None)
EXTRA_SAMPLES = os.environ.get("SWITCHBOARD_EXTRA_SAMPLES", str(_beside.parent) if _beside else "")

# Examples run inside the transaction of the test, so the fixtures may be shared by all of them.
against_database = hypothesis_settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What Python's reader of JSON makes of a body: Decimals, and no lone surrogates any more.
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 2**31, 2**63, 10**307, Decimal("1e300"), Decimal("-1e-300")])
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.text(max_size=20)
    | st.sampled_from(["everything", "ended", "error_x", "true", "x" * 300]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.just("cost"), inner, max_size=3)
    ),
    max_leaves=6,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One body of the samples and what the manifest says of it."""

    name: str
    body: bytes
    event: str | None
    subject_id: str | None
    expect: str

    def __str__(self) -> str:
        return self.name


@cache
def _manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


@cache
def samples(folder: Path = SAMPLES) -> tuple[Sample, ...]:
    """Every webhook body of a folder, as its manifest lists them."""
    return tuple(
        Sample(
            row["file"],
            (folder / row["file"]).read_bytes(),
            row.get("event"),
            row.get("id"),
            row.get("expect", ""),
        )
        for row in _manifest(folder)["files"]
        if row.get("kind", "webhook") == "webhook"
    )


def sample(name: str) -> Sample:
    return next(found for found in samples() if found.name == name)


def calls_of_samples() -> dict[str, list[bytes]]:
    """The events of each call of the samples, in the order in which they happened."""
    by_name = {found.name: found.body for found in samples()}
    groups = [*_manifest(SAMPLES)["groups"], _manifest(SAMPLES)["other_groups"][0]]
    return {
        group.get("call") or group["id"]: [by_name[name] for name in group["files"]]
        for group in groups
    }


def extra_samples() -> tuple[Sample, ...]:
    return samples(Path(EXTRA_SAMPLES)) if EXTRA_SAMPLES else ()


# --- Making and sending --------------------------------------------------------------------------


def body_of(event: str = "call_ended", call_id: str = "call_1", **call: Any) -> bytes:
    """A call event with these fields."""
    return json.dumps({"event": event, "call": {"call_id": call_id, **call}}).encode()


def sign(body: bytes, key: str = KEYS["acme"], timestamp_ms: int | None = None) -> str:
    """The header Retell sends, by its SDK; by hand for bytes that are no text, which it refuses."""
    at = timestamp_ms if timestamp_ms is not None else time.time_ns() // 1_000_000
    try:
        return str(symmetric["sign"](body.decode(), key, at))
    except UnicodeDecodeError:
        digest = hmac.new(key.encode(), body + str(at).encode(), hashlib.sha256).hexdigest()
        return f"v={at},d={digest}"


def post(
    world: World,
    body: bytes,
    *,
    header: str | None = "",
    token: str = "",
    client: CanaryClient | None = None,
    **extra: Any,
) -> Any:
    """Send a body to Acme's URL, signed unless another `header` (None: none at all) is given."""
    signature = sign(body) if header == "" else header
    headers = {**extra.pop("headers", {})}
    if signature is not None:
        headers["X-Retell-Signature"] = signature
    extra.setdefault("content_type", "application/json")
    url = f"/webhooks/retell/{token or world.webhook_tokens['acme']}/{extra.pop('query', '')}"
    return (client or CanaryClient("localhost:8000")).post(url, body, headers=headers, **extra)


def receive(world: World, body: bytes) -> Receipt:
    """Store and apply a body for Acme, without the way through the door."""
    return actions.receive(world.endpoints["acme"], body)


# --- What came of it -----------------------------------------------------------------------------

_ID_COLUMNS: dict[type[models.Model], str] = {Call: "retell_call_id", Chat: "retell_chat_id"}


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Without what depends on when an event arrived first."""
    left_out = {"id", "first_seen_at", "moved_from"}
    left_out |= {"sort_at"} if row["started_at"] is None else set()
    return {name: value for name, value in row.items() if name not in left_out}


def row_of(model: type[models.Model], subject_id: str) -> dict[str, Any] | None:
    """The row of a call or chat without what depends on when an event arrived first."""
    rows = model._default_manager.filter(**{_ID_COLUMNS[model]: subject_id}).values()
    return _comparable(rows[0]) if rows else None


def call_of(world: World, call_id: str = "call_1") -> Call:
    with organization_context(world.acme):
        return Call.objects.get(retell_call_id=call_id)


def only_delivery(world: World) -> Delivery:
    with organization_context(world.acme):
        return Delivery.objects.get()


def received(world: World, bodies: Iterable[bytes], subject: str = "call_1") -> Any:
    """The row that these bodies of one call lead to in this order; all is undone afterwards."""
    with undone():
        for body in bodies:
            receive(world, body)
        with organization_context(world.acme):
            return row_of(Chat if subject.startswith("chat_") else Call, subject)


def reading_of(body: bytes) -> Reading:
    """What one body of the samples says of its call or chat."""
    document, _ = retell.load(body)
    reading = retell.parse(document, hashlib.sha256(body).digest()).reading
    assert reading is not None
    return reading


def merge_as(world: World, pairs: Iterable[tuple[str, Reading]], target: Target = CALLS) -> None:
    """Merge each reading into the row of the id beside it: many orders at once, row by row."""
    statement = calls_sql.upsert(world.acme.schema_name, target).as_bytes(None)
    rows = [
        calls_sql.parameters(target, replace(reading, subject_id=subject_id))
        for subject_id, reading in pairs
    ]
    with organization_context(world.acme), connection.cursor():
        psycopg.RawCursor(connection.connection).executemany(statement, rows)


def rows_of(world: World, model: type[models.Model] = Call) -> dict[str, dict[str, Any]]:
    """All rows of calls or chats by Retell's id, as `row_of` gives one."""
    with organization_context(world.acme):
        rows = list(model._default_manager.values())
    return {row.pop(_ID_COLUMNS[model]): _comparable(row) for row in rows}


class undone(transaction.Atomic):  # noqa: N801 - read as a statement: `with undone():`
    """Undo at the end what the block writes."""

    def __init__(self) -> None:
        super().__init__(using=None, savepoint=True, durable=False)

    def __exit__(self, *exception: Any) -> None:
        transaction.set_rollback(True)
        super().__exit__(*exception)


def _columns(schema: str) -> Iterator[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = %s",
            [schema],
        )
        yield from cursor.fetchall()


def places_of(world: World, text: str) -> list[str]:
    """Every table and column of Acme's schema that holds `text` in any row."""
    places = []
    schema = world.acme.schema_name
    with organization_context(world.acme):
        for table, column, kind in list(_columns(schema)):
            value = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT 1 FROM "{schema}"."{table}" WHERE position(%s::bytea in {value}) > 0',  # noqa: S608
                    [text.encode()],
                )
                if cursor.fetchone():
                    places.append(f"{table}.{column}")
    return places
