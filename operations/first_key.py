"""The Retell key that an organization is made with: checked before anything is made, stored after.

An installation may have no way to Retell yet, so an answer is not insisted on: the key signs
webhooks at once, and asking Retell with it waits until somebody checks it on the Retell page.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.connection import keys
from agents.connection.actions import api_key, signing_key
from agents.connection.exceptions import Refused, RetellKeyError
from agents.retell import Workspace
from tenants.models import Organization, RetellWorkspace
from tenants.pin import organization_context
from tenants.scope import platform

NOTES = {
    Refused.UNREACHABLE: (
        "Retell did not answer, so the key is stored unchecked: it verifies webhooks, but is not"
        " used to ask Retell before it is checked on the organization's page Retell."
    ),
    Refused.UNCHECKED: (
        "The key is stored unchecked, as asked for: it verifies webhooks, but is not used to ask"
        " Retell before it is checked on the organization's page Retell."
    ),
    Refused.NO_ACCESS: (
        "Retell knows the key but does not let it read anything: it verifies webhooks. Add a"
        " second key that may read on the organization's page Retell."
    ),
    Refused.WORKSPACE_TAKEN: (
        "The key's workspace was connected to another organization meanwhile: the key verifies"
        " webhooks, but is not used to ask Retell."
    ),
}


@dataclass(frozen=True, slots=True)
class FirstKey:
    """A key and its workspace, or why that is not known."""

    key: str = field(repr=False)
    workspace: Workspace | None = None
    why: Refused | None = None


def prepare(key: str, *, check: bool) -> FirstKey:
    """Ask Retell about it. Raises `RetellKeyError` for one that is no use here."""
    key = keys.clean_key(key)
    if not check:
        return FirstKey(key, why=Refused.UNCHECKED)
    try:
        workspace = keys.check_key(key)
    except RetellKeyError as error:
        if error.why not in NOTES:
            raise
        return FirstKey(key, why=error.why)
    with platform():
        if RetellWorkspace.objects.filter(workspace_id=workspace.org_id).exists():
            raise RetellKeyError(Refused.WORKSPACE_TAKEN)
    return FirstKey(key, workspace)


def store(first: FirstKey, organization: Organization) -> str:
    """Store it in the organization that was made; what is left to do, if anything."""
    with organization_context(organization):
        signing_key.set_signing_key(organization.pk, first.key)
        if first.workspace is None:
            assert first.why is not None
            if first.why != Refused.NO_ACCESS:
                api_key.store_unchecked(organization.pk, first.key)
            return NOTES[first.why]
        try:
            api_key.connect(organization.pk, first.key, first.workspace)
        except RetellKeyError as error:
            return NOTES[error.why]
    return ""
