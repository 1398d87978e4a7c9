"""How calls and chats read. Values of Retell stand as they came: its sets are open."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from calls import costs
from calls.api import transcripts
from calls.models import Call, CallNote, Chat, Tag
from config.api.serializers import (
    Body,
    MoneyField,
    MoneySerializer,
    NumberField,
    Resource,
    SpokenField,
    money,
)


class AgentOfCallSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    retell_agent_id = serializers.CharField()
    name = serializers.CharField(source="display_name")


class TranscriptEntrySerializer(serializers.Serializer[Any]):
    role = serializers.CharField(help_text="As Retell names it: agent, user, …")
    content = serializers.CharField(allow_null=True)
    start_ms = serializers.IntegerField(allow_null=True)
    end_ms = serializers.IntegerField(allow_null=True)
    tool_call_id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True, help_text="Of a tool.")
    arguments = serializers.CharField(allow_null=True)
    successful = serializers.BooleanField(allow_null=True)


class TranscriptSerializer(Resource):
    text = serializers.CharField(allow_null=True)
    entries = TranscriptEntrySerializer(many=True)


class CostLineSerializer(serializers.Serializer[Any]):
    product = serializers.CharField(help_text="As pages name it: Voice engine, LLM, …")
    detail = serializers.CharField(allow_blank=True)
    cost = MoneySerializer()


class DeliveryOfCallSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    event = serializers.CharField(allow_blank=True)
    state = serializers.CharField()
    received_at = serializers.DateTimeField()


class ConversationSerializer(Resource):
    id = serializers.UUIDField()
    status = serializers.CharField(allow_null=True)
    outcome = serializers.CharField(source="outcome_code")
    agent = AgentOfCallSerializer(allow_null=True)
    agent_version = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    cost = MoneyField(source="cost_cents", allow_null=True)
    user_sentiment = serializers.CharField(allow_null=True)
    summary = SpokenField(allow_null=True)
    source: Any = serializers.CharField(
        help_text="webhook, or reconciled when no webhook brought it."
    )
    first_seen_at = serializers.DateTimeField()


class NoteSerializer(serializers.Serializer[Any]):
    text = SpokenField()
    author = SpokenField()
    written_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


class CallSerializer(ConversationSerializer):
    includes: ClassVar = ("transcript", "cost_lines", "deliveries", "notes")

    retell_call_id = serializers.CharField()
    type = serializers.CharField(source="call_type", allow_null=True)
    direction = serializers.CharField(allow_null=True)
    disconnection_reason = serializers.CharField(allow_null=True)
    from_number = NumberField(allow_null=True, help_text="Masked without personal:read.")
    to_number = NumberField(allow_null=True, help_text="Masked without personal:read.")
    duration_ms = serializers.IntegerField(allow_null=True)
    latency_p50_ms = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    call_successful = serializers.BooleanField(allow_null=True)
    in_voicemail = serializers.BooleanField(allow_null=True)
    is_billable = serializers.BooleanField(help_text="Revenue (true) or test (false).")
    billable_reason = SpokenField(allow_blank=True)
    test_signal = serializers.CharField(allow_null=True)
    tags = serializers.SerializerMethodField()
    transcript = serializers.SerializerMethodField(help_text="With include=transcript.")
    cost_lines = serializers.SerializerMethodField(help_text="With include=cost_lines.")
    deliveries = serializers.SerializerMethodField(help_text="With include=deliveries.")
    notes = serializers.SerializerMethodField(help_text="With include=notes, the oldest first.")

    def get_tags(self, call: Call) -> list[str]:
        names: list[str] | None = getattr(call, "tag_names", None)
        return [tag.name for tag in call.tags.all()] if names is None else names

    @extend_schema_field(TranscriptSerializer)
    def get_transcript(self, call: Call) -> dict[str, Any]:
        return transcripts.of_call(call)

    @extend_schema_field(CostLineSerializer(many=True))
    def get_cost_lines(self, call: Call) -> list[dict[str, Any]]:
        return [
            {"product": line["label"], "detail": line["detail"], "cost": money(line["cost_cents"])}
            for line in costs.lines(call.cost)
        ]

    @extend_schema_field(DeliveryOfCallSerializer(many=True))
    def get_deliveries(self, call: Any) -> list[dict[str, Any]]:
        return DeliveryOfCallSerializer(call.deliveries_read, many=True).data  # type: ignore[return-value]

    @extend_schema_field(NoteSerializer(many=True))
    def get_notes(self, call: Any) -> Any:
        if hasattr(call, "notes_read"):
            times = ("written_at", "edited_at")
            notes = [
                note | {name: note[name] and datetime.fromisoformat(note[name]) for name in times}
                for note in call.notes_read
            ]
        else:
            notes = call.notes.all()
        return NoteSerializer(notes, many=True).data


class ChatSerializer(ConversationSerializer):
    includes: ClassVar = ("messages",)

    retell_chat_id = serializers.CharField()
    type = serializers.CharField(source="chat_type", allow_null=True)
    chat_successful = serializers.BooleanField(allow_null=True)
    messages = serializers.SerializerMethodField(help_text="With include=messages.")

    @extend_schema_field(TranscriptEntrySerializer(many=True))
    def get_messages(self, chat: Chat) -> list[dict[str, Any]]:
        return transcripts.of_chat(chat)


class CallChangeSerializer(Body):
    """What is left out is left alone."""

    is_billable = serializers.BooleanField(required=False, help_text="Takes `reason`.")
    reason = serializers.CharField(
        required=False, max_length=200, help_text="Why the call is revenue or a test."
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=Tag.NAME_MAX_LENGTH),
        required=False,
        max_length=20,
        help_text="All tags that the call has afterwards.",
    )
    note = serializers.CharField(
        required=False,
        max_length=CallNote.TEXT_MAX_LENGTH,
        help_text="Is added to the notes there are.",
    )
