from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts.access import is_confirmed
from accounts.actions import activation
from accounts.exceptions import AccountError
from accounts.http import OperatorRequest
from accounts.models import EmailChange, Invitation, Membership, User
from operations.admin.base import Link, ReadOnlyAdmin, ReadOnlyInline, organization_page
from operations.admin_site import site

_HAS_FACTOR = Q(
    Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
    | Exists(WebAuthnCredential.objects.filter(user=OuterRef("pk"), confirmed=True))
)


class SecondFactorFilter(admin.SimpleListFilter):
    title = "second factor"
    parameter_name = "second_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Has one"), ("no", "Has none")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(has_factor=self.value() == "yes")
        return queryset


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = readonly_fields = ("organization", "role", "created_at", "last_seen_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organization")


@admin.register(User, site=site)
class UserAdmin(ReadOnlyAdmin):
    note = (
        "People change their own name, address and password, and admins their organization's users."
        " In the list, somebody can be shut out everywhere, and let in again."
    )
    actions = ("shut_out", "let_in")
    list_display = (
        "email", "name", "is_super_admin", "is_active", "second_factor", "last_login", "created_at",
    )  # fmt: skip
    list_filter = ("is_super_admin", "is_active", SecondFactorFilter, "last_login", "is_demo")
    search_fields = ("email", "name")
    inlines = (MembershipInline,)
    fields = (
        "email", "name", "is_active", "is_super_admin", "is_demo", "second_factor", "time_zone",
        "language", "last_login", "password_changed_at", "created_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        records: QuerySet[Any] = super().get_queryset(request).annotate(has_factor=_HAS_FACTOR)
        return records

    @admin.display(boolean=True, ordering="has_factor")
    def second_factor(self, user: Any) -> bool:
        return bool(user.has_factor)

    @admin.action(description="Shut out everywhere: deactivate, end all sessions")
    def shut_out(self, request: HttpRequest, people: QuerySet[Any]) -> HttpResponse | None:
        return self._set_active(request, people, active=False)

    @admin.action(description="Let in again: reactivate")
    def let_in(self, request: HttpRequest, people: QuerySet[Any]) -> HttpResponse | None:
        return self._set_active(request, people, active=True)

    def _set_active(
        self, request: HttpRequest, people: QuerySet[Any], *, active: bool
    ) -> HttpResponse | None:
        if not is_confirmed(request):
            text = "Nobody was changed yet: confirm that it is you, then repeat."
            self.message_user(request, text)
            return redirect_to_login(request.get_full_path(), reverse("accounts:confirm"))
        for user in people:
            try:
                if active:
                    activation.let_in(user)
                else:
                    activation.shut_out(user, by=cast(OperatorRequest, request).user)
            except AccountError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                done = "is let in again" if active else "is shut out, and their sessions are over"
                self.message_user(request, f"{user.display_name} {done}.", messages.SUCCESS)
        return None


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnlyAdmin):
    note = "Admins change roles and remove members on their organization's page Users."
    list_display = ("user", "organization", "role", "created_at", "last_seen_at")
    list_filter = ("role", "created_at", "last_seen_at")
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name", "organization__slug")
    ordering = ("-id",)
    fields = ("user", "organization", "role", "created_at", "last_seen_at")

    def link(self, record: Membership | None) -> Link | None:
        return organization_page(record.organization_id) if record else None


@admin.register(Invitation, site=site)
class InvitationAdmin(ReadOnlyAdmin):
    """Never its token: the link stands in the mail only."""

    note = "Admins send and withdraw invitations on their organization's page Users."
    list_display = ("email", "organization", "role", "invited_by", "expires_at", "accepted_at")
    list_filter = ("role", ("accepted_at", admin.EmptyFieldListFilter), "expires_at")
    list_select_related = ("organization",)
    search_fields = ("email", "organization__name", "organization__slug", "invited_by")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = (
        "email", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_at",
    )  # fmt: skip

    def link(self, record: Invitation | None) -> Link | None:
        return organization_page(record.organization_id) if record else None


@admin.register(EmailChange, site=site)
class EmailChangeAdmin(ReadOnlyAdmin):
    note = "Changes of address that wait for both addresses. Their owners stop them."
    list_display = (
        "user", "new_email", "created_at", "expires_at", "old_confirmed_at", "new_confirmed_at",
    )  # fmt: skip
    list_filter = ("expires_at",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name", "new_email")
    ordering = ("-id",)
    fields = list_display
