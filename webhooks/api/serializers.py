"""How deliveries read. Without their bodies: those are for admins' eyes."""

from __future__ import annotations

from rest_framework import serializers

from config.api.serializers import Resource, SpokenField
from webhooks.models import Delivery, DeliveryState

EXAMPLE = {
    "id": "0193f7c4-9a10-7f0b-8c11-7a0d3f5b1c02",
    "event": "call_ended",
    "subject_id": "call_5f0c2b7e91d84b",
    "state": "applied",
    "reason": "",
    "reason_text": "",
    "size_bytes": 6121,
    "received_at": "2026-11-12T09:16:22.310000-05:00",
    "applied_at": "2026-11-12T09:16:22.318000-05:00",
    "receipts": 1,
    "attempts": 1,
    "is_redacted": False,
    "has_body": True,
}


class DeliverySerializer(Resource):
    id = serializers.UUIDField()
    event = serializers.CharField(allow_blank=True)
    subject_id = serializers.CharField(allow_blank=True, help_text="The call, chat or incident.")
    state = serializers.ChoiceField(DeliveryState.values)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was not applied.")
    reason_text = SpokenField(allow_blank=True)
    size_bytes = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(allow_null=True)
    receipts = serializers.IntegerField(help_text="How often the same body came.")
    attempts = serializers.IntegerField()
    is_redacted = serializers.BooleanField()
    has_body = serializers.SerializerMethodField(help_text="Whether it can be applied again.")

    def get_has_body(self, delivery: Delivery) -> bool:
        return delivery.body_removed_at is None
