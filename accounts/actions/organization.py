"""What an organization's admins decide about its name, its clock and its looks."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit.actions import changes_between, record
from audit.vocabulary import Action
from tenants.branding.logo import Logo
from tenants.models import Organization, OrganizationLogo
from tenants.scope import platform

CHANGED = Action("organizations.settings_changed", "changed the settings of {object}")
LOGO_CHANGED = Action("organizations.logo_changed", "changed the logo of {object}")
LOGO_REMOVED = Action("organizations.logo_removed", "removed the logo of {object}")

GENERAL_FIELDS = ("name", "time_zone")
CURRENCY_FIELDS = ("currency", "rate_per_dollar", "rate_since", "rate_source")
BRANDING_FIELDS = ("accent",)


def change_settings(organization: Organization, **wanted: Any) -> bool:
    """Whether anything changed. `wanted`: validated values of fields of this module."""
    with platform(), transaction.atomic():
        row = Organization.objects.select_for_update().get(pk=organization.pk)
        new = Organization(**wanted)
        changes = changes_between(row, new, wanted)
        if not changes:
            return False
        Organization.objects.filter(pk=row.pk).update(**wanted)
        record(CHANGED, organization, changes=changes, organization=organization)
    return True


def change_logo(organization: Organization, logo: Logo) -> None:
    """Replace the logo, or set the first one."""
    with platform(), transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(logo_sha256=logo.sha256)
        OrganizationLogo.objects.update_or_create(
            organization_id=organization.pk, defaults={"png": logo.png}
        )
        record(LOGO_CHANGED, organization, organization=organization)


def remove_logo(organization: Organization) -> None:
    """Back to the initials; nothing happens without a logo."""
    with platform(), transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(logo_sha256="")
        gone, _ = OrganizationLogo.objects.filter(organization_id=organization.pk).delete()
        if gone:
            record(LOGO_REMOVED, organization, organization=organization)
