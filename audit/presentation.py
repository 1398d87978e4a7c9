"""Entries as their page shows them, the same for organizations and the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import TextChoices
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from audit.filters import EntryFilter
from audit.models import Entry
from audit.vocabulary import Kind
from config.paging import count_text, keyset_page
from tenants.models import Organization

KEYS = ("timestamp", "id")
# By name: this app knows none of these.
_PAGES = {
    "agents.agent": "agents:detail",
    "calls.call": "calls:detail",
    "calls.chat": "calls:chat_detail",
    "webhooks.delivery": "webhooks:detail",
    "tenants.organization": "operations:organization_detail",
}
# Stand in the sentence, or in a place of their own.
_NOT_REPEATED = {"device"}


class Tag(TextChoices):
    """What kind of thing was done, as a word with a tone."""

    CREATE = "create", "Made"
    UPDATE = "update", "Changed"
    DELETE = "delete", "Removed"
    ACCESS = "access", "Access"

    @property
    def tone(self) -> str:
        return {"create": "ok", "update": "info", "delete": "bad"}.get(self.value, "mute")


_TAGS = {Kind.CREATE: Tag.CREATE, Kind.UPDATE: Tag.UPDATE, Kind.DELETE: Tag.DELETE}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with what is around it. `organization` is empty where there is only one."""

    entry: Entry
    tag: Tag
    facts: list[tuple[str, Any]]
    links: list[tuple[str, str]]
    organization: str = ""


def list_context(
    request: HttpRequest, filters: EntryFilter, *, zone: tzinfo, names: bool = False
) -> dict[str, Any]:
    """What `audit/list.html` shows; with `names`, whose chain each entry belongs to."""
    page = keyset_page(request, filters.qs, name="audit", keys=KEYS)
    organizations = _organizations(page.rows) if names else {}
    query = filters_query(request)
    return {
        "page": page,
        "rows": [_row(request, entry, organizations if names else None) for entry in page.rows],
        "count_text": count_text(filters.qs, len(page.rows), "entries"),
        "zone": zone,
        "filters": filters.form.chips(request),
        "filter_form": filters.form,
        "ignored": [*filters.form.ignored(request.GET), *page.notes],
        "is_filtered": bool(query),
        "clear_url": request.path,
        "export_url": f"{reverse('audit:export')}?{query}".rstrip("?"),
    }


def filters_query(request: HttpRequest) -> str:
    """The filters of the URL without the place in the list."""
    pairs = [(name, value) for name, value in request.GET.items() if value]
    return urlencode([pair for pair in pairs if pair[0] not in ("after", "before")])


def _organizations(entries: Any) -> dict[UUID, Organization]:
    wanted = {entry.organization_id for entry in entries}
    return {row.pk: row for row in Organization.objects.filter(pk__in=wanted)}


def _row(request: HttpRequest, entry: Entry, organizations: dict[UUID, Organization] | None) -> Row:
    owner = organizations.get(entry.organization_id) if organizations else None
    return Row(
        entry,
        _TAGS.get(Kind(entry.action), Tag.ACCESS),
        facts_of(entry),
        _links(request, entry, owner),
        "" if organizations is None else chain_label(entry, owner),
    )


def chain_label(entry: Entry, organization: Organization | None) -> str:
    if organization is not None:
        return organization.name
    return "Operator" if entry.organization_id is None else _("Removed organization")


def facts_of(entry: Entry) -> list[tuple[str, Any]]:
    """Everything an entry says beside its sentence."""
    more = {
        name.replace("_", " ").capitalize(): value
        for name, value in sorted(entry.details.items())
        if name not in _NOT_REPEATED
    }
    facts = {
        "Reason": entry.reason,
        **more,
        "Address": entry.remote_addr,
        "Device": entry.details.get("device", ""),
        "Request": entry.cid,
        _("Kind of entry"): entry.code,
        _("Place in the log"): entry.sequence,
    }
    return [(name, value) for name, value in facts.items() if value not in ("", None)]


def _links(
    request: HttpRequest, entry: Entry, organization: Organization | None
) -> list[tuple[str, str]]:
    """To the object, to its history, and to what else this person did."""
    chain = {"organization": organization.slug} if organization else {}
    found = []
    if page := _page_of(entry):
        found.append(("Open", page))
    if entry.object_type:
        key = f"{entry.object_type}:{entry.object_pk}"
        history = urlencode(chain | {"object": key})
        found.append(
            (
                _("History of %(object_repr)s") % {"object_repr": entry.object_repr},
                f"{request.path}?{history}",
            )
        )
    if entry.actor_id:
        person = urlencode(chain | {"person": str(entry.actor_id)})
        found.append(
            (
                _("All of %(actor_label)s") % {"actor_label": entry.actor_label},
                f"{request.path}?{person}",
            )
        )
    return found


def _page_of(entry: Entry) -> str | None:
    """Where the object is shown on this host; it may be gone by now."""
    name = _PAGES.get(entry.object_type)
    try:
        return reverse(name, args=[UUID(entry.object_pk)]) if name else None
    except (NoReverseMatch, ValueError):
        return None
