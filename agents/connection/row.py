"""The one row of an organization's connection, while it is being changed."""

from __future__ import annotations

from typing import Any

from agents.models import RetellConnection


def locked() -> RetellConnection:
    """The row, made if need be; whoever changes keys next waits for this transaction."""
    RetellConnection.objects.bulk_create([RetellConnection(pk=1)], ignore_conflicts=True)
    return RetellConnection.objects.select_for_update().get(pk=1)


def assign(row: RetellConnection, **values: Any) -> list[str]:
    """Set these; their names, for `update_fields`."""
    for name, value in values.items():
        setattr(row, name, value)
    return list(values)
