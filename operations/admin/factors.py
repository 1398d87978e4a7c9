"""Second factors: that they are there, and whether they are used. Never what they are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import RecoveryCodes
from operations.admin.base import ReadOnlyAdmin
from operations.admin_site import site

OWNERS = (
    "Their owners add and remove them on their page Security. Who lost all of them is helped by"
    " manage.py reset_second_factor."
)


class FactorAdmin(ReadOnlyAdmin):
    note = OWNERS
    list_select_related = ("user",)
    search_fields: ClassVar[tuple[str, ...]] = ("user__email", "user__name", "name")
    ordering = ("-id",)


@admin.register(TOTPDevice, site=site)
class TOTPDeviceAdmin(FactorAdmin):
    list_display = (
        "user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count",
    )  # fmt: skip
    list_filter = ("confirmed", "created_at", "last_used_at")
    fields = (
        "user", "name", "confirmed", "digits", "created_at", "last_used_at",
        "throttling_failure_count", "throttling_failure_timestamp",
    )  # fmt: skip


@admin.register(WebAuthnCredential, site=site)
class PasskeyAdmin(FactorAdmin):
    list_display = ("user", "name", "confirmed", "backup_state", "created_at", "last_used_at")
    list_filter = ("confirmed", "backup_state", "created_at", "last_used_at")
    fields = (
        "user", "name", "confirmed", "transports", "discoverable", "backup_eligible",
        "backup_state", "sign_count", "created_at", "last_used_at",
    )  # fmt: skip


@admin.register(RecoveryCodes, site=site)
class RecoveryCodesAdmin(FactorAdmin):
    list_display = ("user", "unused_codes", "confirmed", "throttling_failure_count")
    list_filter = ("confirmed",)
    search_fields = ("user__email", "user__name")
    fields = (
        "user", "confirmed", "unused_codes", "throttling_failure_count",
        "throttling_failure_timestamp",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        unused = Count("codes", filter=Q(codes__used_at=None))
        records: QuerySet[Any] = super().get_queryset(request).annotate(unused=unused)
        return records

    @admin.display(ordering="unused")
    def unused_codes(self, sheet: Any) -> int:
        return int(sheet.unused)
