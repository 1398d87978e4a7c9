"""Setting up an organization from end to end: schema, Retell key, first admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts import actions as accounts_actions
from accounts.models import Role
from agents import actions as agents_actions
from tenants import actions as tenants_actions
from tenants import provisioning
from tenants.exceptions import OrganizationError
from tenants.models import Organization, WebhookEndpoint
from tenants.pin import organization_context


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """A ready organization, with the two links that are shown once."""

    organization: Organization
    endpoint: WebhookEndpoint
    invitation_url: str

    def as_json(self) -> dict[str, str]:
        return {
            "organization": self.organization.name,
            "slug": self.organization.slug,
            "schema": self.organization.schema_name,
            "host": self.organization.host,
            "webhook_url": self.endpoint.url,
            "invitation_url": self.invitation_url,
        }


def create_organization(
    *,
    name: str,
    slug: str,
    admin_email: str,
    retell_api_key: str = "",
    time_zone: str = "UTC",
    created_by: str = "",
) -> NewOrganization:
    """Register, provision, store the key, invite the first admin.

    Raises `OrganizationError`; what is invalid is refused before anything is made.
    """
    try:
        validate_email(admin_email)
    except ValidationError as error:
        raise OrganizationError(f"“{admin_email}” is not an e-mail address.") from error
    organization, endpoint = tenants_actions.register_organization(
        name=name, slug=slug, time_zone=time_zone
    )
    try:
        organization = provisioning.provision(organization.pk)
    except Exception:
        # Provisioning is one transaction, so only the reservation is left to take back.
        tenants_actions.unregister(organization)
        raise
    if retell_api_key:
        with organization_context(organization):
            agents_actions.set_signing_key(organization.pk, retell_api_key)
    _, invitation_url = accounts_actions.invite(
        organization, email=admin_email, role=Role.ADMIN, invited_by=created_by
    )
    return NewOrganization(organization, endpoint, invitation_url)
