"""Appending to the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from auditlog.diff import get_field_value
from django.db import connections, models, transaction
from django.db.models.sql import InsertQuery
from django.utils import timezone
from psycopg import sql

from audit import chain
from audit.circumstances import Actor, Circumstances, current
from audit.models import Entry, Head, chain_name
from audit.vocabulary import Action, Kind
from tenants.models import Organization
from tenants.scope import SharedScope, scoped_connection

LABEL_MAX_LENGTH = 254
ACTING_AS_MAX_LENGTH = 120
REASON_MAX_LENGTH = 500
ADDRESS_MAX_LENGTH = 45
REQUEST_ID_MAX_LENGTH = 255
NAME_MAX_LENGTH = 64
VALUE_MAX_LENGTH = 500

EXPORTED = Action("audit.exported", "exported the audit log, filter: {filter}", Kind.ACCESS)

Changes = dict[str, list[str]]
Detail = str | int | bool


class Person(Protocol):
    """Whom an entry can name: a `User`."""

    @property
    def pk(self) -> Any: ...

    @property
    def audit_label(self) -> str: ...


def record(
    action: Action,
    subject: models.Model | str = "",
    *,
    changes: Changes | None = None,
    details: Mapping[str, Detail] | None = None,
    reason: str = "",
    actor: Person | None = None,
    organization: Organization | None = None,
) -> Entry:
    """Append one entry, in the caller's transaction: both happen or neither.

    Who, from where and in which request come from `audit.circumstances`; `actor` overrides who,
    for somebody who is just signing in. The chain is the organization's the connection works for;
    at the door and on the platform the request's, or `organization`'s, else the operator's.
    Secrets, numbers and transcripts never go into `changes` or `details`. Whatever text comes in,
    an entry can hold it: it is cut, never refused.
    """
    now = current()
    who = Actor(actor.audit_label, actor.pk) if actor is not None else now.actor
    entry = Entry(
        organization_id=organization.pk if organization else _organization_id(now),
        code=action.code,
        action=int(action.kind),
        changes=_clean_changes(changes),
        additional_data=_clean_details({**now.details, **(details or {})}),
        actor_id=who.id,
        actor_label=_text(who.label, LABEL_MAX_LENGTH),
        acting_as=_text(now.acting_as, ACTING_AS_MAX_LENGTH),
        reason=_text(reason or now.reason, REASON_MAX_LENGTH),
        remote_addr=_text(now.address, ADDRESS_MAX_LENGTH),
        cid=_text(now.request_id, REQUEST_ID_MAX_LENGTH),
        timestamp=timezone.now(),
        **_subject(subject),
    )
    return _append(entry)


def note_export(filter_text: str) -> None:
    """Somebody takes the log along; without this entry they do not."""
    record(EXPORTED, details={"filter": filter_text})


def changes_between(old: models.Model, new: models.Model, fields: Iterable[str]) -> Changes:
    """What differs in these fields, as text before and after; for `record(changes=…)`."""
    found: Changes = {}
    for name in fields:
        field = new._meta.get_field(name)
        before, after = get_field_value(old, field), get_field_value(new, field)
        if before != after:
            found[name] = [str(before), str(after)]
    return found


def _append(entry: Entry) -> Entry:
    with transaction.atomic(savepoint=False):
        head = _locked_head(chain_name(entry.organization_id))
        entry.sequence = head.sequence + 1
        entry.previous_hash = bytes(head.hash)
        entry.hash = chain.digest(entry)
        _insert(entry, head)
    return entry


def _insert(entry: Entry, head: Head) -> None:
    """The entry, and the chain's end that it is now, in one statement."""
    connection = connections[Entry.objects.db]
    query = InsertQuery(Entry)
    query.insert_values(Entry._meta.concrete_fields, [entry])
    ((insert, values),) = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "WITH entry AS ({}) UPDATE {} SET sequence = %s, hash = %s WHERE chain = %s"
            ).format(sql.SQL(insert), sql.Identifier(Head._meta.db_table)),
            [*values, entry.sequence, entry.hash, head.pk],
        )
    entry._state.adding, entry._state.db = False, connection.alias


def _locked_head(name: str) -> Head:
    """The chain's end; whoever appends next waits until this transaction is over."""
    head = Head.objects.select_for_update().filter(pk=name).first()
    if head is None:
        Head.objects.bulk_create([Head(chain=name)], ignore_conflicts=True)
        head = Head.objects.select_for_update().get(pk=name)
    return head


def _organization_id(now: Circumstances) -> UUID | None:
    scope = scoped_connection().tenant
    if isinstance(scope, Organization):
        return UUID(str(scope.pk))
    if isinstance(scope, SharedScope):
        return now.organization_id
    # Only the schema's name is known; its role sees one organization, its own.
    return Organization.objects.only("pk").get(schema_name=scope.schema_name).pk


def _subject(subject: models.Model | str) -> dict[str, str]:
    if isinstance(subject, str):
        return {"object_type": "", "object_pk": "", "object_repr": _text(subject, LABEL_MAX_LENGTH)}
    return {
        "object_type": subject._meta.label_lower,
        "object_pk": _text(subject.pk, 255),
        "object_repr": _text(getattr(subject, "audit_label", subject), LABEL_MAX_LENGTH),
    }


def _text(value: object, length: int) -> str:
    """Text that PostgreSQL can hold: no NUL, no half characters."""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:length]


def _clean_details(details: Mapping[str, Any]) -> dict[str, Detail] | None:
    cleaned = {_text(name, NAME_MAX_LENGTH): _clean(value) for name, value in details.items()}
    return cleaned or None


def _clean(value: Any) -> Detail:
    """Whole numbers of 64 bits come back from JSON as they went in; the rest is kept as text."""
    if isinstance(value, bool) or (type(value) is int and abs(value) < 2**63):
        return value
    return _text(value, VALUE_MAX_LENGTH)


def _clean_changes(changes: Changes | None) -> Changes | None:
    if not changes:
        return None
    return {
        _text(name, NAME_MAX_LENGTH): [_text(value, VALUE_MAX_LENGTH) for value in pair]
        for name, pair in changes.items()
    }
