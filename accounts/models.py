"""People, what they may do where, and how they were let in. Shared tables, in schema `public`."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import uuid_utils.compat
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.models import Device, ThrottlingMixin

from accounts.roles import Right
from accounts.roles import Role as Role
from tenants.models import Organization, hash_token, validate_time_zone


def normalize_email(email: str) -> str:
    """Addresses are compared in lower case: people type them either way."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email=normalize_email(email or ""))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. Signs in by e-mail; may belong to several organizations."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_super_admin = models.BooleanField(
        default=False, help_text="Operator staff: sees every organization; needs a second factor."
    )
    is_demo = models.BooleanField(default=False, editable=False)
    # Empty: times are shown in the organization's zone.
    time_zone = models.CharField(
        max_length=64, blank=True, default="", validators=[validate_time_zone]
    )
    language = models.CharField(max_length=10, choices=settings.LANGUAGES, default="en-us")
    password_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ("email",)
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="There is already a person with this e-mail address.",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def audit_label(self) -> str:
        return self.display_name

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.time_zone) if self.time_zone else None

    # Django's admin asks these; whether the second factor was given is asked by OperatorAdminSite.
    @property
    def is_staff(self) -> bool:
        return self.is_super_admin

    @property
    def is_superuser(self) -> bool:
        return self.is_super_admin

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_super_admin

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return self.is_active and self.is_super_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_super_admin


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("user", "organization"),
                name="membership_unique",
                violation_error_message="This person is already a member.",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} as {self.role}"

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


class InvitationState(models.TextChoices):
    OPEN = "open", "Waiting"
    EXPIRED = "expired", "Expired"
    ACCEPTED = "accepted", "Accepted"

    @property
    def tone(self) -> str:
        return {"open": "info", "expired": "warn"}.get(self.value, "mute")


class Invitation(models.Model):
    """A link by which one address may join one organization, once. A new link is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=Role.choices)
    token_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    invited_by = models.CharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.organization_id}"

    @property
    def audit_label(self) -> str:
        return self.email

    def is_open(self, at: datetime | None = None) -> bool:
        return self.accepted_at is None and (at or timezone.now()) < self.expires_at

    @property
    def state(self) -> InvitationState:
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        return InvitationState.OPEN if self.is_open() else InvitationState.EXPIRED

    @property
    def token(self) -> str:
        """What its link carries. It follows from the id and SECRET_KEY: the job that mails it, and
        each of its retries, makes the same one, and none is stored."""
        digest = salted_hmac("accounts.invitation", str(self.pk), algorithm="sha256").digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def link(self) -> str:
        """For the invited person's eyes; on a page of an admin it is shown once."""
        name, urlconf = "accounts:accept_invitation", "config.urls_organization"
        return self.organization.url(reverse(name, args=[self.token], urlconf=urlconf))


class AccessPolicy(models.Model):
    """What an organization's admins decided about coming in; without a row the defaults hold."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="access_policy"
    )
    requires_second_factor = models.BooleanField("Everybody needs a second factor", default=False)
    viewers_see_personal_data = models.BooleanField(
        "Viewers see whole phone numbers", default=False
    )
    viewers_export_personal_data = models.BooleanField(
        "Viewers may export personal data", default=False
    )
    act_as_needs_consent = models.BooleanField(
        "The operator needs our consent to look inside", default=False
    )

    class Meta:
        verbose_name_plural = "access policies"

    def __str__(self) -> str:
        return f"Access policy of {self.organization_id}"

    @property
    def viewers_rights(self) -> frozenset[Right]:
        """What is marked POLICY in the table of roles and allowed here."""
        allowed = {
            Right.SEE_PERSONAL_DATA: self.viewers_see_personal_data,
            Right.EXPORT_PERSONAL_DATA: self.viewers_export_personal_data,
        }
        return frozenset(right for right, yes in allowed.items() if yes)


class Session(AbstractBaseSession):
    """A session with what its owner wants to know of it. Written by `accounts.sessions`."""

    # Names the session in URLs; made from the key, and does not give it away.
    id = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    # Empty on the operator host, and before anybody signed in.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    # A name of `settings.SESSION_LIMITS`; empty before anybody signed in.
    limits = models.CharField(max_length=16, blank=True, default="")
    device = models.CharField(max_length=120, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Not its key, which is what a browser's cookie holds."""
        return f"Session {self.id}"

    @classmethod
    def get_session_store_class(cls) -> type[Any]:
        from accounts.sessions import SessionStore

        return SessionStore

    def has_ended(self, at: datetime) -> bool:
        """Whether it was idle for too long, or lasts too long."""
        limits = settings.SESSION_LIMITS.get(self.limits)
        if limits is None or self.signed_in_at is None:
            return False
        seen_at = self.last_seen_at or self.signed_in_at
        return at >= seen_at + limits.idle or at >= self.signed_in_at + limits.absolute


class KnownDevice(models.Model):
    """A browser somebody signed in from before, known by a random cookie."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    token_sha256 = models.BinaryField(max_length=32, editable=False)
    last_used_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user", "token_sha256"), name="known_device_unique")
        ]

    def __str__(self) -> str:
        return f"A device of {self.user_id}"


class EmailChange(models.Model):
    """A change of address that waits for both addresses to confirm it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    new_email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    old_confirmed_at = models.DateTimeField(null=True, blank=True)
    new_confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.new_email}"


class Handover(models.Model):
    """A one-time link from one host to another for somebody who is signed in already."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    token_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # Where it leads: an organization, or the operator host.
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    # The second factor given on the host it comes from.
    device_id = models.CharField(max_length=200, blank=True, default="")
    # The session it comes from: that session must still be there when the link is used.
    from_session_id = models.UUIDField(null=True)
    acting = models.ForeignKey(
        "ActingInside", null=True, on_delete=models.CASCADE, related_name="+"
    )
    path = models.CharField(max_length=200, default="/")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.organization_id}"


class VisitState(models.TextChoices):
    ASKED = "asked", "Waits for consent"
    ALLOWED = "allowed", "Not begun"
    RUNNING = "running", "Looking inside"
    OVER = "over", "Over"
    REFUSED = "refused", "Refused"

    @property
    def tone(self) -> str:
        return {"asked": "warn", "running": "info"}.get(self.value, "mute")


class ActingInside(models.Model):
    """A super admin's look inside one organization: asked for, consented to, begun, ended."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=500)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    # Set at once where no consent is needed.
    consented_at = models.DateTimeField(null=True, blank=True)
    consented_by = models.CharField(max_length=254, blank=True, default="")
    refused_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "operator's visit"
        indexes = [models.Index(fields=("organization", "-requested_at"), name="acting_recent")]

    def __str__(self) -> str:
        return f"{self.user_label} inside {self.organization_id}"

    def is_running(self, at: datetime | None = None) -> bool:
        now = at or timezone.now()
        begun = self.started_at is not None and self.ends_at is not None and now < self.ends_at
        return begun and self.ended_at is None

    @property
    def state(self) -> VisitState:
        if self.refused_at is not None:
            return VisitState.REFUSED
        if self.is_running():
            return VisitState.RUNNING
        if self.ended_at is not None or self.started_at is not None:
            return VisitState.OVER
        return VisitState.ALLOWED if self.consented_at else VisitState.ASKED

    @property
    def awaits_consent(self) -> bool:
        return self.state == VisitState.ASKED

    @property
    def can_be_ended(self) -> bool:
        return self.state in (VisitState.ALLOWED, VisitState.RUNNING)


class RecoveryCodes(ThrottlingMixin, Device):
    """A sheet of codes for somebody who lost their other factor. Each works once.

    Unlike django-otp's static devices it keeps hashes only: a code has 80 random bits, so a plain
    SHA-256 is enough.
    """

    class Meta:
        verbose_name = "sheet of recovery codes"
        verbose_name_plural = "sheets of recovery codes"

    def verify_token(self, token: str) -> bool:
        """Whether this is one of the unused codes; it is used up then."""
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        code = hash_token(normalize_recovery_code(token))
        used = self.codes.filter(code_sha256=code, used_at=None).update(used_at=timezone.now())
        if used:
            self.throttle_reset()
        else:
            self.throttle_increment()
        return bool(used)

    def get_throttle_factor(self) -> float:
        return 1.0


def normalize_recovery_code(text: str) -> str:
    """As stored: capitals and digits, whatever separates the groups."""
    return "".join(character for character in text.upper() if character.isalnum())


class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryCodes, on_delete=models.CASCADE, related_name="codes")
    code_sha256 = models.BinaryField(max_length=32, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("device", "code_sha256"), name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"A recovery code of {self.device_id}"
