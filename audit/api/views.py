"""The audit log, as a list."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import MemberRequest
from accounts.masking import shown_text
from accounts.scopes import Scope
from audit.filters import EntryFilter
from audit.models import Entry
from audit.querysets import people_of
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.serializers import Resource, SpokenField

EXAMPLE = {
    "id": "0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e",
    "sequence": 1482,
    "at": "2026-11-12T09:20:00.123000-05:00",
    "code": "agents.renamed",
    "sentence": "Alice renamed the agent Front desk from “Desk” to “Front desk”",
    "actor_id": "0193e000-0b1a-7c55-8a7e-6d9a3a1f0c11",
    "actor": "Alice",
    "acting_as": "",
    "object_type": "agents.agent",
    "object_id": "0193e001-7a10-7c55-8a7e-6d9a3a1f0c11",
    "object": "Front desk",
    "changes": [{"field": "name", "before": "Desk", "after": "Front desk"}],
    "reason": "",
    "address": "203.0.113.7",
    "request_id": "5f2b4c7a9d",
}


class ChangeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class EntrySerializer(Resource):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField(help_text="Its place in the chain.")
    at = serializers.DateTimeField(source="timestamp")
    code = serializers.CharField()
    sentence = SpokenField()
    actor_id = serializers.UUIDField(allow_null=True)
    actor = serializers.CharField(source="actor_label")
    acting_as = serializers.CharField(allow_blank=True)
    object_type = serializers.CharField(allow_blank=True)
    object_id = serializers.CharField(source="object_pk", allow_blank=True)
    object = SpokenField(source="object_repr", allow_blank=True)
    changes = serializers.SerializerMethodField()
    reason = SpokenField(allow_blank=True, help_text="Numbers in it masked without personal:read.")
    address = serializers.CharField(source="remote_addr", allow_blank=True)
    request_id = serializers.CharField(source="cid", allow_blank=True)

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, entry: Entry) -> list[dict[str, str]]:
        return [
            {"field": name, "before": shown_text(before), "after": shown_text(after)}
            for name, before, after in entry.changed
        ]


class EntryList(ListView):
    tag = "audit"
    resource = "audit"
    keys = ("timestamp", "id")
    filter_form = EntryFilter
    operations = {
        "GET": Operation(
            "list_audit_entries", Scope.AUDIT_READ, gives=EntrySerializer, many=True,
            example=EXAMPLE,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """Who did what, newest first."""
        organization = cast(MemberRequest, self.asked).organization
        filters = EntryFilter(
            self.asked.GET,
            Entry.objects.of_chain(organization.pk).newest_first(),
            people=people_of(organization.pk),
            zone=organization.zone,
        )
        self.check_filters(filters.form)
        return self.page(filters.qs, EntrySerializer, form=filters.form)
