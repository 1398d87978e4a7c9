from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse

from audit.models import Entry
from operations.admin.base import Link, ReadOnlyAdmin
from operations.admin_site import site
from tenants.models import Organization


@admin.register(Entry, site=site)
class EntryAdmin(ReadOnlyAdmin):
    has_history = False
    note = "The page Audit log searches by names and people, and exports."
    list_display = ("timestamp", "sentence", "chain", "address", "sequence")
    list_filter = ("action", "timestamp")
    # Both have an index; names are searched on the audit log's own page.
    search_fields = ("cid__exact", "object_pk__exact")
    search_help_text = "A request id, or an object's id, as a whole."
    sortable_by = ()
    ordering = ("-timestamp", "-id")
    fields = (
        "timestamp", "actor_name", "sentence", "chain", "sequence", "code", "object_type",
        "object_pk", "object_repr", "reason", "changed", "details", "address", "cid",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the organization's name: entries have no foreign keys."""
        organization = Organization.objects.filter(pk=OuterRef("organization_id"))
        name = Subquery(organization.values("name")[:1], output_field=CharField())
        records: QuerySet[Any] = super().get_queryset(request).annotate(organization_name=name)
        return records

    @admin.display(description="Whose log")
    def chain(self, entry: Any) -> str:
        if entry.organization_id is None:
            return "The operator's"
        return entry.organization_name or f"Removed: {entry.organization_id}"

    def sentence(self, entry: Entry) -> str:
        return entry.sentence

    @admin.display(description="Who")
    def actor_name(self, entry: Entry) -> str:
        return entry.actor_name

    @admin.display(empty_value="-")
    def address(self, entry: Entry) -> str:
        return str(entry.remote_addr)

    def changed(self, entry: Entry) -> str:
        lines = (f"{name}: {before} → {after}" for name, before, after in entry.changed)
        return "\n".join(lines) or "-"

    def details(self, entry: Entry) -> str:
        return "\n".join(f"{name}: {value}" for name, value in entry.details.items()) or "-"

    def link(self, record: Entry | None) -> Link | None:
        return Link("Open the audit log", reverse("audit:list"))
