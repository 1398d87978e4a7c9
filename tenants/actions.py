"""Changes to organizations. Schemas themselves are made and dropped by `tenants.provisioning`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.exceptions import OrganizationError
from tenants.models import Organization, OrganizationStatus, WebhookEndpoint
from tenants.scope import platform

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


def register_organization(
    *,
    name: str,
    slug: str,
    time_zone: str = "UTC",
    currency: str = "USD",
    is_demo: bool = False,
) -> tuple[Organization, WebhookEndpoint]:
    """Reserve name and slug and make the webhook URL; the schema follows by `provision`.

    Raises `OrganizationError` with every reason why not.
    """
    organization = Organization(
        name=name.strip(),
        slug=slug.strip().lower(),
        time_zone=time_zone,
        currency=currency,
        is_demo=is_demo,
    )
    try:
        with platform(), transaction.atomic():
            organization.full_clean()
            organization.save(force_insert=True)
            endpoint = WebhookEndpoint.with_new_token(organization)
            endpoint.save(force_insert=True)
    except ValidationError as error:
        raise OrganizationError(" ".join(error.messages)) from error
    except IntegrityError as error:
        raise OrganizationError(f"The slug “{organization.slug}” is taken.") from error
    return organization, endpoint


def unregister(organization: Organization) -> None:
    """Give up a reservation whose schema could not be made."""
    with platform():
        Organization.objects.filter(
            pk=organization.pk, status=OrganizationStatus.PROVISIONING
        ).delete()


_MOVES: dict[OrganizationStatus, tuple[OrganizationStatus, ...]] = {
    OrganizationStatus.SUSPENDED: (OrganizationStatus.ACTIVE,),
    OrganizationStatus.ACTIVE: (OrganizationStatus.SUSPENDED, OrganizationStatus.ARCHIVED),
    OrganizationStatus.ARCHIVED: (OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED),
}


def _move(organization: Organization, to: OrganizationStatus, **fields: object) -> None:
    """Change the status if it is one of those `to` may follow; two workers cannot both do it."""
    with platform():
        changed = Organization.objects.filter(pk=organization.pk, status__in=_MOVES[to]).update(
            status=to, **fields
        )
    if not changed:
        raise OrganizationError(
            f"{organization.name} is {organization.state.label.lower()}, so it cannot become"
            f" {to.label.lower()}. Nothing was changed."
        )
    organization.status = to


def suspend(organization: Organization, *, reason: str) -> None:
    """Close its pages and API. Its webhooks go on being kept: calls happen and cost meanwhile."""
    _move(organization, OrganizationStatus.SUSPENDED, suspended_reason=reason)


def resume(organization: Organization) -> None:
    """Open a suspended or archived organization again."""
    _move(organization, OrganizationStatus.ACTIVE, suspended_reason="")


def archive(organization: Organization) -> None:
    """Close it for good but keep everything, late events of its calls included."""
    _move(organization, OrganizationStatus.ARCHIVED)


def rotate_webhook_token(
    organization: Organization, *, old_expires_at: datetime
) -> WebhookEndpoint:
    """A second webhook URL; the ones before it work until `old_expires_at`."""
    endpoint = WebhookEndpoint.with_new_token(organization)
    with platform(), transaction.atomic():
        WebhookEndpoint.objects.filter(organization=organization, expires_at=None).update(
            expires_at=max(old_expires_at, timezone.now())
        )
        endpoint.save(force_insert=True)
    return endpoint


def expire_webhook_token(organization: Organization, endpoint_id: UUID) -> WebhookEndpoint | None:
    """End the overlap of a webhook URL that was exchanged; None when it had ended, or is the
    current one."""
    with platform(), transaction.atomic():
        old = (
            WebhookEndpoint.objects.select_for_update()
            .filter(organization=organization, pk=endpoint_id, expires_at__gt=timezone.now())
            .first()
        )
        if old is not None:
            old.expires_at = timezone.now()
            old.save(update_fields=["expires_at"])
    return old
