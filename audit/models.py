"""The audit log. Shared tables, in schema `public`; an organization's role sees its own rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from auditlog.models import AbstractLogEntry
from django.db import models

from audit import vocabulary
from audit.querysets import EntryQuerySet

OPERATOR_CHAIN = "operator"


def chain_name(organization_id: UUID | None) -> str:
    """One chain an organization, and one for the operator's own events."""
    return str(organization_id) if organization_id else OPERATOR_CHAIN


class Entry(AbstractLogEntry):  # type: ignore[misc]  # comes without types
    """One thing somebody did. Written by `audit.actions.record()`, never changed.

    People and objects are kept by id and label, without foreign keys: deleting a person must not
    rewrite what they did. `cid` is the request id.
    """

    # Not ours: foreign keys, and copies that would hold secrets.
    actor = None
    actor_email = None
    content_type = None
    object_id = None
    serialized_data = None
    changes_text = None
    remote_port = None

    id: Any = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization_id: Any = models.UUIDField(null=True, editable=False)
    sequence: Any = models.PositiveBigIntegerField(editable=False)
    code: Any = models.CharField(max_length=64)
    object_type: Any = models.CharField(max_length=64, blank=True)
    object_pk: Any = models.CharField(max_length=255, blank=True)
    actor_id: Any = models.UUIDField(null=True)
    actor_label: Any = models.CharField(max_length=254)
    acting_as: Any = models.CharField(max_length=120, blank=True)
    reason: Any = models.CharField(max_length=500, blank=True)
    # As text: `inet` gives some addresses back in another spelling, which would break the chain.
    remote_addr: Any = models.CharField("address", max_length=45, blank=True)
    previous_hash: Any = models.BinaryField(max_length=32)
    hash: Any = models.BinaryField(max_length=32)

    timestamp: datetime
    changes: dict[str, list[str]] | None
    additional_data: dict[str, Any] | None
    cid: str

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ("-timestamp", "-sequence")
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(
                fields=("organization_id", "sequence"),
                name="audit_entry_sequence",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=("organization_id", "-timestamp", "-id"), name="audit_entry_time"),
            models.Index(
                fields=("organization_id", "actor_id", "-timestamp"), name="audit_entry_actor"
            ),
            models.Index(
                fields=("organization_id", "object_pk", "-timestamp"), name="audit_entry_object"
            ),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def details(self) -> dict[str, Any]:
        return self.additional_data if isinstance(self.additional_data, dict) else {}

    @property
    def changed(self) -> list[tuple[str, str, str]]:
        """What changed, before and after; nothing of what somebody wrote there past `record()`."""
        stored: Any = self.changes
        return [
            (name.replace("_", " "), str(pair[0]), str(pair[1]))
            for name, pair in sorted(stored.items() if isinstance(stored, dict) else ())
            if isinstance(pair, list) and len(pair) == 2
        ]

    @property
    def actor_name(self) -> str:
        """`Alice`; `Sam (operator, read-only)` while acting inside an organization."""
        return f"{self.actor_label} ({self.acting_as})" if self.acting_as else self.actor_label

    @property
    def predicate(self) -> str:
        """`renamed the agent Front desk from “Desk” to “Front desk”`."""
        declared = vocabulary.find(self.code)
        if declared is None:
            return f"did {self.code}: {self.object_repr}"
        words = _Words(self.details) | {"object": self.object_repr}
        return declared.phrase.format_map(_Words(words)) + self._changes_text()

    @property
    def sentence(self) -> str:
        """`Alice renamed the agent Front desk from “Desk” to “Front desk”`."""
        return f"{self.actor_name} {self.predicate}"

    def _changes_text(self) -> str:
        changed = self.changed
        if len(changed) == 1:
            ((_, old, new),) = changed
            return f" from {_quoted(old)} to {_quoted(new)}"
        parts = [f"{name} from {_quoted(old)} to {_quoted(new)}" for name, old, new in changed]
        return f": {'; '.join(parts)}" if parts else ""


class _Words(dict[str, Any]):
    """A detail that an older entry lacks reads as nothing, and breaks no page."""

    def __missing__(self, key: str) -> str:
        return "…"


def _quoted(value: str) -> str:
    return f"“{value}”" if value not in ("", "None") else "nothing"


class Head(models.Model):
    """The newest entry of a chain. Locked while one is appended; shows when the end is cut off."""

    chain = models.CharField(primary_key=True, max_length=36)
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=bytes(32))

    def __str__(self) -> str:
        return f"{self.chain} {self.sequence}"
