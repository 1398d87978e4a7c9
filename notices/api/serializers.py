"""How subscriptions and what was sent to them read, and what is asked of them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api import etags
from config.api.serializers import Body, Resource
from notices import signing
from notices.forms import ALL, FAILED
from notices.models import (
    URL_MAX_LENGTH,
    Attempt,
    DisabledReason,
    Sending,
    SendingState,
    Subscription,
    SubscriptionState,
)
from notices.topics import Topic

MOST_ATTEMPTS = 50
EXAMPLE = {
    "id": "0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e",
    "url": "https://crm.example.com/hooks/switchboard",
    "description": "CRM",
    "topics": ["call.final", "call.reclassified"],
    "is_enabled": True,
    "state": "active",
    "disabled_reason": "",
    "disabled_at": None,
    "failures": 0,
    "failing_since": None,
    "paused_until": None,
    "accepted_at": "2026-11-12T09:16:24.120000-05:00",
    "previous_secret_expires_at": None,
    "created_at": "2026-11-01T10:00:00-04:00",
    "created_by": "API key Provisioning",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwYjkF3mVt1Qs="  # noqa: S105 - made up
WITH_SECRET = {**EXAMPLE, "secret": SECRET}
WISH = {
    "url": "https://crm.example.com/hooks/switchboard",
    "topics": ["call.final", "call.reclassified"],
    "description": "CRM",
}
SENDING = {
    "id": "0193f7c4-9b21-7d12-9d53-3c0a6f7c1b55",
    "webhook_id": "0193f7c4-9b20-7aa4-8a7e-6d9a3a1f0c11",
    "topic": "call.final",
    "state": "delivered",
    "happened_at": "2026-11-12T09:16:22.900000-05:00",
    "tries": 1,
    "last_tried_at": "2026-11-12T09:16:24-05:00",
    "last_status": 204,
    "next_try_at": None,
}
REPLAY = {"since": "2026-11-12T00:00:00-05:00", "which": "failed"}
REPLAYED = {"messages": 12}


def _one_of(values: list[str]) -> str:
    return ", ".join(values)


class SubscriptionSerializer(Resource):
    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    topics = serializers.ListField(child=serializers.CharField())
    is_enabled = serializers.BooleanField()
    state = serializers.CharField(source="state.value", help_text=_one_of(SubscriptionState.values))
    disabled_reason = serializers.CharField(
        allow_blank=True, help_text=_one_of(DisabledReason.values)
    )
    disabled_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text="Tries in a row that were not accepted.")
    failing_since = serializers.DateTimeField(allow_null=True)
    paused_until = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(
        allow_null=True, help_text="When the receiver last took something."
    )
    previous_secret_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before signs, too."
    )
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_blank=True)

    @classmethod
    def version_of(cls, row: Subscription) -> str:
        """What people and programs decide: a message that was sent is no change."""
        decided = cls(row, fields=["url", "description", "topics", "is_enabled"])
        return etags.version_of(decided.data)


class NewSecretSerializer(SubscriptionSerializer):
    """What is kept for an Idempotency-Key names the secret only; the view puts it in its place."""

    secret = serializers.SerializerMethodField(
        help_text="What signatures are checked with. It is given in this answer only."
    )

    def get_secret(self, subscription: Subscription) -> str:
        return signing.fingerprint(subscription.secret_encrypted)


class ChangeSerializer(Body):
    url = serializers.CharField(
        max_length=URL_MAX_LENGTH,
        required=False,
        help_text="https, on port 443, of a host that the internet can reach.",
    )
    topics = serializers.ListField(
        child=serializers.ChoiceField(Topic.values),
        allow_empty=False,
        max_length=len(Topic.values),
        required=False,
    )
    description = serializers.CharField(max_length=120, allow_blank=True, required=False)
    is_enabled = serializers.BooleanField(
        required=False, help_text="Off: what waits is kept, what happens is not noted."
    )


class NewSubscriptionSerializer(Body):
    url = serializers.CharField(
        max_length=URL_MAX_LENGTH,
        help_text="https, on port 443, of a host that the internet can reach.",
    )
    topics = serializers.ListField(
        child=serializers.ChoiceField(Topic.values),
        allow_empty=False,
        max_length=len(Topic.values),
    )
    description = serializers.CharField(max_length=120, allow_blank=True, required=False)


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ("at", "duration_ms", "status", "problem", "answer")


class SendingSerializer(Resource):
    includes: ClassVar = ("attempts",)

    id = serializers.UUIDField()
    webhook_id = serializers.UUIDField(
        source="message_id", help_text="The header of that name: the same over all tries."
    )
    topic = serializers.CharField(source="message.topic")
    state = serializers.CharField(help_text=_one_of(SendingState.values))
    happened_at = serializers.DateTimeField(source="message.created_at")
    tries = serializers.IntegerField(help_text="Of this round; replaying begins another.")
    last_tried_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    next_try_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.SerializerMethodField(help_text="With include=attempts, newest first.")

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, sending: Sending) -> Any:
        return AttemptSerializer(sending.attempts.all()[:MOST_ATTEMPTS], many=True).data


class ReplaySerializer(Body):
    since = serializers.DateTimeField(help_text="What happened then or later; with its offset.")
    which: Any = serializers.ChoiceField((FAILED, ALL), required=False, default=FAILED)


class ReplayedSerializer(Resource):
    messages = serializers.IntegerField(help_text="How many are being sent again.")
