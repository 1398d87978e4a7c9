"""Chains made for one test: an id that no organization has, so that no other test meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.db import transaction

from audit.actions import record
from audit.chain import Break, End
from audit.models import Entry, Head
from audit.verification import Verification
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import platform
from testing.organizations import owner_rows

DONE = Action("tests.done", "did {object}")


def nobody() -> Organization:
    return Organization(pk=uuid4(), name="Nobody", slug="nobody")


def append(owner: Organization, number: int = 1, subject: str = "something") -> list[Entry]:
    with platform():
        return [record(DONE, f"{subject} {n + 1}", organization=owner) for n in range(number)]


def found(owner: Organization | None, anchor: End | None = None) -> list[Break]:
    """Every break of a chain as it is stored."""
    with platform(), transaction.atomic():
        return list(Verification(owner.pk if owner else None, anchor).breaks())


def texts(owner: Organization | None, anchor: End | None = None) -> list[str]:
    return [place.text for place in found(owner, anchor)]


def entries(owner: Organization | None) -> list[Entry]:
    with platform():
        return list(Entry.objects.of_chain(owner.pk if owner else None).in_order())


@contextmanager
def restored(owner: Organization) -> Iterator[list[Entry]]:
    """A committed chain that may be tampered with as the owner, put back as it was afterwards."""
    kept = entries(owner)
    head = Head.objects.using("owner").get(pk=str(owner.pk))
    try:
        yield kept
    finally:
        ids = [entry.pk for entry in kept]
        # In SQL: what stands there now may be unreadable.
        owner_rows("DELETE FROM audit_entry WHERE organization_id = %s", [owner.pk])
        owner_rows("DELETE FROM audit_entry WHERE id = ANY(%s)", [ids])
        Entry.objects.using("owner").bulk_create(kept)
        head.save(using="owner")


def remove(owner: Organization) -> None:
    Entry.objects.using("owner").of_chain(owner.pk).delete()
    Head.objects.using("owner").filter(pk=str(owner.pk)).delete()
