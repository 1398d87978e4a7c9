"""How organizations, their usage and their health read."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

from config.api.serializers import Body, MoneyField, Resource
from operations.models import HealthLevel
from tenants.models import Organization, OrganizationStatus, WebhookEndpoint
from tenants.slugs import SLUG_MAX_LENGTH, validate_slug

NAMES = {
    "id": "0193e000-0000-7c55-8a7e-6d9a3a1f0c11",
    "slug": "maple",
    "name": "Maple Dental",
}
ORGANIZATION = {
    **NAMES,
    "status": "active",
    "time_zone": "America/New_York",
    "host": "maple.switchboard.example.com",
    "created_at": "2026-09-01T12:00:00Z",
    "suspended_reason": "",
}
USAGE = {
    **NAMES,
    "calls": 310,
    "test_calls": 12,
    "duration_ms": 41204000,
    "cost": {"amount": "61.1204", "currency": "USD"},
}
HEALTH = {
    **NAMES,
    "level": "ok",
    "measured_at": "2026-11-12T14:20:00Z",
    "last_event_at": "2026-11-12T14:16:22Z",
    "complete_until": "2026-11-12T14:10:00Z",
    "has_gap": False,
    "quarantined_today": 0,
    "failed_today": 0,
    "refused_today": 2,
    "findings": 0,
}
NEW = {
    "name": "Maple Dental",
    "slug": "maple",
    "admin_email": "office@maple.example",
    "time_zone": "America/New_York",
}


class OrganizationSerializer(Resource):
    includes = ("webhook_urls",)

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(OrganizationStatus.values)
    time_zone = serializers.CharField()
    host = serializers.CharField()
    created_at = serializers.DateTimeField()
    suspended_reason = serializers.CharField(allow_blank=True)
    webhook_urls = serializers.SerializerMethodField(
        help_text="With include=webhook_urls, which takes organizations:write: whoever has one can"
        " send events."
    )

    def get_webhook_urls(self, organization: Organization) -> list[str]:
        endpoints = WebhookEndpoint.objects.filter(organization=organization).order_by("-id")
        return [endpoint.url for endpoint in endpoints if not endpoint.is_expired]


class NewOrganizationSerializer(Body):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(max_length=SLUG_MAX_LENGTH, validators=[validate_slug])
    admin_email = serializers.EmailField(
        max_length=254, help_text="Of its first admin, who is invited by mail."
    )
    time_zone = serializers.CharField(max_length=64, required=False, help_text="As Europe/London.")
    retell_api_key = serializers.CharField(
        max_length=512, required=False, help_text="The key with the webhook badge in Retell."
    )

    def validate_time_zone(self, name: str) -> str:
        if name not in available_timezones():
            raise serializers.ValidationError("There is no such time zone.")
        return name


class ReasonSerializer(Body):
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class UsageOfOrganizationSerializer(Resource):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    calls = serializers.IntegerField(source="sum_calls")
    test_calls = serializers.IntegerField(source="sum_test_calls")
    duration_ms = serializers.IntegerField(source="sum_duration_ms")
    cost = MoneyField(source="sum_cost_cents")


class HealthSerializer(Resource):
    id = serializers.UUIDField(source="organization.pk")
    slug = serializers.CharField(source="organization.slug")
    name = serializers.CharField(source="organization.name")
    level = serializers.ChoiceField(HealthLevel.values)
    measured_at = serializers.DateTimeField()
    last_event_at = serializers.DateTimeField(allow_null=True)
    complete_until = serializers.DateTimeField(allow_null=True)
    has_gap = serializers.BooleanField()
    quarantined_today = serializers.IntegerField(source="quarantined")
    failed_today = serializers.IntegerField(source="failed")
    refused_today = serializers.IntegerField(source="refused")
    findings: Any = serializers.IntegerField(help_text="Of the guardian, that need attention.")
