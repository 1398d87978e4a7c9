"""How exports read, and how one is asked for."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from config.api.serializers import Body, Resource, SpokenField
from exports import columns
from exports.forms import MASKED, WHOLE
from exports.models import Export, Format, State

EXAMPLE = {
    "id": "0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e",
    "subject": "calls",
    "format": "csv",
    "state": "ready",
    "filters": ["Agent is any of Front desk"],
    "columns": ["call_id", "started", "duration", "cost"],
    "numbers": "masked",
    "is_personal": False,
    "asked_at": "2026-11-12T09:20:00-05:00",
    "asked_by": "API key Warehouse",
    "done": 1200,
    "total": 1200,
    "message": "",
    "size_bytes": 183201,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "expires_at": "2026-11-19T09:20:00-05:00",
    "download_url": "/api/v1/exports/0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e/download",
}
WISH_OF_CHATS = {"format": "csv", "columns": ["chat_id", "started", "cost"]}
WISH = {"format": "csv", "columns": ["call_id", "started", "cost"], "numbers": "masked"}


class ExportSerializer(Resource):
    id = serializers.UUIDField()
    subject = serializers.CharField(help_text="calls or chats.")
    format = serializers.ChoiceField(Format.values)
    state = serializers.ChoiceField(State.values, source="status.value")
    filters = serializers.ListField(child=SpokenField())
    columns = serializers.ListField(child=serializers.CharField(), source="column_codes")
    numbers = serializers.SerializerMethodField()
    is_personal = serializers.BooleanField(help_text="Whether fetching it takes personal:read.")
    asked_at = serializers.DateTimeField()
    asked_by = serializers.CharField()
    done = serializers.IntegerField(source="job.done")
    total = serializers.IntegerField(source="job.total", allow_null=True)
    message = serializers.CharField(source="job.message", allow_blank=True)
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField()
    download_url = serializers.SerializerMethodField(help_text="Once it is ready.")

    def get_numbers(self, export: Export) -> str:
        return WHOLE if export.whole_numbers else MASKED

    def get_download_url(self, export: Export) -> str | None:
        is_ready = export.is_ready(timezone.now())
        return f"/api/v1/exports/{export.pk}/download" if is_ready else None


class WishOfChatsSerializer(Body):
    """Without `columns` the usual ones. Chats have no numbers."""

    format = serializers.ChoiceField(Format.values)
    columns: Any = serializers.MultipleChoiceField(
        choices=[column.code for column in columns.CHAT_COLUMNS], required=False
    )


class WishSerializer(Body):
    """Without `columns` the usual ones."""

    format = serializers.ChoiceField(Format.values)
    columns: Any = serializers.MultipleChoiceField(
        choices=[column.code for column in columns.COLUMNS], required=False
    )
    numbers = serializers.ChoiceField(
        (MASKED, WHOLE), required=False, help_text="Whole ones take personal:read."
    )
