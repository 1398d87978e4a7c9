"""Organizations and how they are reached. Shared tables, in schema `public`."""

from __future__ import annotations

import hashlib
import secrets
from typing import ClassVar
from zoneinfo import ZoneInfo

import uuid_utils.compat
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django_tenants.models import DomainMixin, TenantMixin

from config import currencies
from tenants import encryption
from tenants.branding.palette import HEX_COLOUR
from tenants.querysets import OrganizationQuerySet, WebhookEndpointQuerySet
from tenants.slugs import SLUG_MAX_LENGTH, validate_slug
from tenants.statuses import OrganizationStatus as OrganizationStatus

_SCHEMA_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
WEBHOOK_TOKEN_BYTES = 24


def new_schema_name() -> str:
    """`org_` and 12 random characters: names of schemas are visible to every database role."""
    return "org_" + "".join(secrets.choice(_SCHEMA_ALPHABET) for _ in range(12))


def validate_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(f"“{name}” is not a time zone, such as Europe/London.") from error


class Organization(TenantMixin):
    """A client of the operator. Its calls live in the schema named `schema_name`."""

    auto_create_schema = False

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    schema_name = models.CharField(max_length=63, unique=True, default=new_schema_name)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=SLUG_MAX_LENGTH, unique=True, validators=[validate_slug])
    status = models.CharField(
        max_length=16,
        choices=OrganizationStatus.choices,
        default=OrganizationStatus.PROVISIONING,
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    # What pages show amounts in. They are stored in US dollars; see config/currencies.py. In other
    # currencies the rate is how many of it a dollar is, used since a day, and where it is from.
    currency = models.CharField(max_length=3, default=currencies.DOLLAR)
    rate_per_dollar = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    rate_since = models.DateField(null=True, blank=True)
    rate_source = models.CharField(max_length=80, blank=True, default="", db_default="")
    is_demo = models.BooleanField(default=False)
    # As chosen, "#rrggbb"; what pages show is tenants.branding.palette's. Empty: the product's own.
    accent = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(HEX_COLOUR, "Write the colour as #4a4ed6.")],
    )
    # Of OrganizationLogo's picture; its address. Empty without one.
    logo_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Hash of the newest migrations its schema carries; `release` compares it in one query.
    migration_fingerprint = models.CharField(max_length=64, blank=True, default="")
    # Statements of its migrations that are left to do: see tenants/indexes.py.
    indexes_to_build = models.JSONField(default=list, db_default=[], editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    suspended_reason = models.CharField(max_length=200, blank=True, default="")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def shown_rate(self) -> currencies.Rate | None:
        """None: amounts are shown as they are, in US dollars."""
        if self.rate_per_dollar is None or self.rate_since is None:
            return None
        return currencies.Rate(
            self.currency, self.rate_per_dollar, self.rate_since, self.rate_source
        )

    @property
    def state(self) -> OrganizationStatus:
        return OrganizationStatus(self.status)

    @property
    def is_reachable(self) -> bool:
        """Whether its people may sign in and its pages answer."""
        return self.status == OrganizationStatus.ACTIVE

    @property
    def accepts_webhooks(self) -> bool:
        """A suspended client's calls go on happening and costing: they are kept."""
        return self.status in (
            OrganizationStatus.ACTIVE,
            OrganizationStatus.SUSPENDED,
            OrganizationStatus.ARCHIVED,
        )

    @property
    def host(self) -> str:
        """Host name with port, as a browser needs it."""
        port = settings.PUBLIC_BASE_URL.removeprefix("https://").removeprefix("http://")
        _, _, number = port.partition(":")
        return f"{self.slug}.{settings.BASE_DOMAIN}" + (f":{number}" if number else "")

    @property
    def base_url(self) -> str:
        scheme = settings.PUBLIC_BASE_URL.partition("://")[0]
        return f"{scheme}://{self.host}"

    def url(self, path: str) -> str:
        return self.base_url + path


class OrganizationLogo(models.Model):
    """The picture beside an organization's name; apart, so that no list ever loads it."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="logo"
    )
    png = models.BinaryField()

    def __str__(self) -> str:
        return f"Logo of {self.organization_id}"


class Domain(DomainMixin):
    """A customer's own host name. Hosts below `BASE_DOMAIN` follow from the slug: no rows."""

    verified_at = models.DateTimeField(null=True, blank=True)


def hash_token(token: str) -> bytes:
    """SHA-256 of a token's text; what is stored and looked up instead of the token."""
    return hashlib.sha256(token.encode()).digest()


class WebhookEndpoint(models.Model):
    """A webhook URL: its token says whose events arrive. Rotated by adding a second one."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    token_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    # Kept readable for its organization's admins, who copy the URL again and again.
    token_encrypted = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    # Columns that hold a secret, and the field name each is bound to; see tenants/encryption.py.
    SEALED: ClassVar[dict[str, str]] = {"token_encrypted": "webhook_token"}

    def __str__(self) -> str:
        return f"Webhook URL of {self.organization_id}"

    @classmethod
    def with_new_token(cls, organization: Organization) -> WebhookEndpoint:
        token = secrets.token_urlsafe(WEBHOOK_TOKEN_BYTES)
        return cls(
            organization=organization,
            token_sha256=hash_token(token),
            token_encrypted=encryption.encrypt(
                token, organization_id=organization.pk, field="webhook_token"
            ),
        )

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def token(self) -> str:
        return encryption.decrypt(
            self.token_encrypted, organization_id=self.organization_id, field="webhook_token"
        )

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_BASE_URL}/webhooks/retell/{self.token}/"


class RetellWorkspace(models.Model):
    """Whose a workspace of Retell is: one workspace, one organization, by the database's keys."""

    organization = models.OneToOneField(
        Organization,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="retell_workspace",
    )
    workspace_id = models.CharField(max_length=255, unique=True)
    claimed_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.workspace_id


class SchemaTemplate(models.Model):
    """The SQL that makes a fresh organization's schema, recorded once from its migrations."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    statements = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.fingerprint[:12]


class DeletedOrganization(models.Model):
    """What is kept of a deleted organization until its deletion can no longer be undone."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True)
    dump_path = models.CharField(max_length=500)
    dump_sha256 = models.CharField(max_length=64)
    status_before = models.CharField(max_length=16, choices=OrganizationStatus.choices)
    purge_after = models.DateTimeField()

    def __str__(self) -> str:
        return f"Deleted {self.organization_id}"
