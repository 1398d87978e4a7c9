"""Encrypting again, with the newest key of the ring, what older keys encrypted.

Runs while the product serves: each row is locked for the moment in which it changes, and both keys
are in the ring until it is done. A run that was broken off is simply repeated: what is left is
what does not begin with the newest key's version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Func

from tenants import encryption
from tenants.models import DeletedOrganization, Organization
from tenants.pin import organization_context
from tenants.scope import platform

BATCH = 200


class _Version(Func):
    """The version in front of a ciphertext."""

    function = "get_byte"
    template = "%(function)s(%(expressions)s, 0)"
    output_field = models.IntegerField()


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds ciphertexts, and the field name they are bound to."""

    model: type[models.Model]
    name: str
    bound_to: str

    @property
    def label(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    @property
    def is_shared(self) -> bool:
        return any(field.name == "organization" for field in self.model._meta.fields)

    def rows(self, organization: Organization) -> models.QuerySet[Any]:
        """Rows of the organization that hold a ciphertext."""
        rows: models.QuerySet[Any] = self.model._default_manager.alias(
            version=_Version(F(self.name))
        )
        if self.is_shared:
            rows = rows.filter(organization=organization)
        # An empty value has no version; it is no ciphertext.
        return rows.exclude(**{self.name: None}).exclude(**{self.name: b""}).order_by("pk")


def columns() -> list[Column]:
    """Every column that a model names as sealed."""
    return [
        Column(model, name, bound_to)
        for model in apps.get_models()
        for name, bound_to in getattr(model, "SEALED", {}).items()
    ]


@dataclass(slots=True)
class Report:
    """One organization: how many values were outdated, and which could not be decrypted.

    `in_dump`: it is deleted, and its secrets are in a dump that only the old keys can read.
    """

    organization: Organization
    outdated: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    in_dump: bool = False

    @property
    def total(self) -> int:
        return sum(self.outdated.values())


def run(*, check: bool) -> Iterator[Report]:
    """Re-encrypt, organization by organization; with `check`, count only."""
    with platform():
        organizations = list(Organization.objects.order_by("created_at", "pk"))
        dumped = set(DeletedOrganization.objects.values_list("organization_id", flat=True))
        with_schema = set(Organization.objects.with_schema().values_list("pk", flat=True))
    for organization in organizations:
        report = Report(organization, in_dump=organization.pk in dumped)
        for column in columns():
            if column.is_shared:
                with platform():
                    _go_through(column, report, check=check)
            elif organization.pk in with_schema:
                with organization_context(organization):
                    _go_through(column, report, check=check)
        yield report


def _go_through(column: Column, report: Report, *, check: bool) -> None:
    """Outdated values first, each batch in a transaction; then a look at all others."""
    newest = encryption.newest_version()
    rows = column.rows(report.organization)
    for batch in _batches(rows.exclude(version=newest), column, lock=not check):
        for pk, sealed in batch:
            plain = _opened(column, report, pk, sealed)
            if plain is None:
                continue
            report.outdated[column.label] += 1
            if not check:
                _store(column, report.organization, pk, plain)
    for batch in _batches(rows.filter(version=newest), column, lock=False):
        for pk, sealed in batch:
            _opened(column, report, pk, sealed)


def _batches(
    rows: models.QuerySet[Any], column: Column, *, lock: bool
) -> Iterator[list[tuple[Any, bytes]]]:
    """Ids and values, oldest first; each batch is worked on in its transaction."""
    after = None
    while True:
        with transaction.atomic():
            found = rows if after is None else rows.filter(pk__gt=after)
            if lock:
                found = found.select_for_update()
            batch = [
                (pk, bytes(value)) for pk, value in found.values_list("pk", column.name)[:BATCH]
            ]
            if not batch:
                return
            yield batch
        after = batch[-1][0]


def _opened(column: Column, report: Report, pk: Any, sealed: bytes) -> str | None:
    """The plaintext; None when it cannot be decrypted, which is reported."""
    try:
        return encryption.decrypt(
            sealed, organization_id=report.organization.pk, field=column.bound_to
        )
    except encryption.DecryptionError:
        report.unreadable.append(f"{column.label} {pk} (key {sealed[0]})")
        return None


def _store(column: Column, organization: Organization, pk: Any, plain: str) -> None:
    sealed = encryption.encrypt(plain, organization_id=organization.pk, field=column.bound_to)
    column.model._default_manager.filter(pk=pk).update(**{column.name: sealed})
