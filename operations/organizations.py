"""What operators do with a whole organization: set it up, close it, delete it, bring it back.

Each change and its entry in the organization's audit log are one transaction, but for those that
need the owner login, which has a connection of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts import revocation
from accounts.actions import invitations
from accounts.models import Role
from agents.connection.actions import api_key
from audit.actions import record
from audit.vocabulary import Action, Kind
from operations import first_key
from operations.first_key import FirstKey
from tenants import actions as tenants_actions
from tenants import provisioning
from tenants.dumps.programs import Source
from tenants.exceptions import OrganizationError
from tenants.models import (
    DeletedOrganization,
    Organization,
    OrganizationStatus,
    RetellWorkspace,
    WebhookEndpoint,
)
from tenants.pin import organization_context
from tenants.scope import platform
from tenants.tasks import provision as provision_task

PROVISIONING_WAIT_SECONDS = 15

CREATED = Action("organizations.created", "created the organization {object}", Kind.CREATE)
SUSPENDED = Action("organizations.suspended", "suspended the organization {object}")
RESUMED = Action("organizations.resumed", "opened the organization {object} again")
ARCHIVED = Action("organizations.archived", "archived the organization {object}")
DELETION_BEGUN = Action(
    "organizations.deletion_begun", "began to delete the organization {object}", Kind.DELETE
)
DELETED = Action(
    "organizations.deleted",
    "deleted the organization {object}, which can be undone until {until}",
    Kind.DELETE,
)
DEMO_REMOVED = Action(
    "organizations.demo_removed",
    "removed the demo; organizations: {organizations}, people: {people}",
    Kind.DELETE,
)
RESTORED = Action("organizations.restored", "brought the organization {object} back", Kind.CREATE)


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """A ready organization, with the two links that are shown once.

    `retell_note`: what is still to be done about its key, if anything.
    """

    organization: Organization
    endpoint: WebhookEndpoint
    invitation_url: str
    retell_note: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "organization": self.organization.name,
            "slug": self.organization.slug,
            "schema": self.organization.schema_name,
            "host": self.organization.host,
            "webhook_url": self.endpoint.url,
            "invitation_url": self.invitation_url,
            "retell_note": self.retell_note,
        }


def create_organization(
    *,
    name: str,
    slug: str,
    admin_email: str,
    retell_api_key: str = "",
    time_zone: str = "UTC",
    created_by: str = "",
    check_key: bool = True,
) -> NewOrganization:
    """Register, provision, store the key, invite the first admin. Needs the owner login.

    Raises `OrganizationError` or `RetellKeyError`; what is invalid is refused before anything is
    made, and a schema that cannot be made leaves nothing behind.
    """
    key = _validate(admin_email, retell_api_key, check_key=check_key)
    organization, endpoint = tenants_actions.register_organization(
        name=name, slug=slug, time_zone=time_zone
    )
    try:
        organization = provisioning.provision(organization.pk)
    except Exception:
        # Provisioning is one transaction, so only the reservation is left to take back.
        tenants_actions.unregister(organization)
        raise
    return _finish(organization, endpoint, admin_email, key, created_by)


def request_organization(
    *,
    name: str,
    slug: str,
    admin_email: str,
    retell_api_key: str = "",
    time_zone: str = "UTC",
    created_by: str = "",
) -> NewOrganization:
    """As `create_organization`, for `web`, which has no owner login: the worker makes the schema.

    Raises `OrganizationError` also when no worker made it in time; nothing is left behind then.
    """
    key = _validate(admin_email, retell_api_key)
    with platform(), transaction.atomic():
        organization, endpoint = tenants_actions.register_organization(
            name=name, slug=slug, time_zone=time_zone
        )
        provision_task.defer(organization_id=str(organization.pk))
    if not _await_provisioning(organization):
        tenants_actions.unregister(organization)
        raise OrganizationError(
            "No worker answered, so the organization was not made. Check that the worker runs,"
            " then try again."
        )
    return _finish(organization, endpoint, admin_email, key, created_by)


def _validate(admin_email: str, retell_api_key: str, *, check_key: bool = True) -> FirstKey | None:
    try:
        validate_email(admin_email)
    except ValidationError as error:
        raise OrganizationError(f"“{admin_email}” is not an e-mail address.") from error
    return first_key.prepare(retell_api_key, check=check_key) if retell_api_key else None


def _await_provisioning(organization: Organization) -> bool:
    deadline = time.monotonic() + PROVISIONING_WAIT_SECONDS
    while time.monotonic() < deadline:
        with platform():
            organization.refresh_from_db()
        if organization.status == OrganizationStatus.ACTIVE:
            return True
        time.sleep(0.2)
    return False


def _finish(
    organization: Organization,
    endpoint: WebhookEndpoint,
    admin_email: str,
    key: FirstKey | None,
    created_by: str,
) -> NewOrganization:
    with platform():
        record(CREATED, organization, organization=organization)
    note = first_key.store(key, organization) if key else ""
    invitation = invitations.invite(
        organization, email=admin_email, role=Role.ADMIN, invited_by=created_by
    )
    return NewOrganization(organization, endpoint, invitation.link, note)


def suspend(organization: Organization, *, reason: str) -> None:
    """Close its pages for now; raises `OrganizationError` when it is not open."""
    with platform(), transaction.atomic():
        tenants_actions.suspend(organization, reason=reason)
        _close_open_pages(organization)
        record(SUSPENDED, organization, reason=reason, organization=organization)


def resume(organization: Organization) -> None:
    """Open it again; raises `OrganizationError` when it is not closed."""
    with platform(), transaction.atomic():
        tenants_actions.resume(organization)
        record(RESUMED, organization, organization=organization)


def archive(organization: Organization) -> None:
    """Close it for good, keeping everything; raises `OrganizationError` when it cannot be."""
    with platform(), transaction.atomic():
        tenants_actions.archive(organization)
        _close_open_pages(organization)
        record(ARCHIVED, organization, organization=organization)


def delete(organization: Organization) -> DeletedOrganization:
    """Dump and drop its schema. Written down before and after: a deletion that was interrupted
    shows, too."""
    with platform():
        record(DELETION_BEGUN, organization, organization=organization)
    kept = provisioning.delete_schema(organization)
    with platform():
        _close_open_pages(organization)
        # Free for another organization; `restore` takes it back if it still is.
        RetellWorkspace.objects.filter(organization=organization).delete()
        until = f"{kept.purge_after:%Y-%m-%d}"
        record(DELETED, organization, details={"until": until}, organization=organization)
    return kept


def _close_open_pages(organization: Organization) -> None:
    revocation.announce(revocation.Revocation(organization.pk, everybody=True))


def restore(organization: Organization, source: Source | None = None) -> Path:
    """Undo its deletion; with `source` from another dump. The path of its deletion's dump, which
    is kept then."""
    dump = provisioning.restore_schema(organization, source)
    with platform():
        record(RESTORED, organization, organization=organization)
    with organization_context(organization):
        api_key.reclaim(organization.pk)
    return dump
