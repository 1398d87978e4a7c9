"""Reading the stored keys, and asking Retell with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings

from agents.connection.exceptions import Refused, RetellKeyError
from agents.models import API_KEY_FIELD, SIGNING_KEY_FIELD, ApiKeyState, RetellConnection
from agents.retell import Kind, RetellApi, RetellApiError, Workspace
from tenants import encryption
from tenants.models import Organization

KEY_MAX_LENGTH = 500
WORKSPACE_ID_MAX_LENGTH = 255
_CHECK_REFUSALS = {
    Kind.UNAVAILABLE: Refused.UNREACHABLE,
    Kind.RATE_LIMITED: Refused.UNREACHABLE,
    Kind.UNREADABLE: Refused.UNREACHABLE,
    Kind.TOO_LARGE: Refused.UNREACHABLE,
}


def clean_key(key: str) -> str:
    """Without white space around it; raises `RetellKeyError`."""
    key = key.strip()
    if not key or len(key) > KEY_MAX_LENGTH or not key.isprintable():
        raise RetellKeyError(Refused.NO_KEY)
    return key


def check_key(key: str, organization_id: UUID | None = None) -> Workspace:
    """The workspace of a key, as Retell says now. Raises `RetellKeyError`.

    `organization_id`: whose key it is to be; None while that one is not made yet.
    """
    return _asked(clean_key(key), _base_url(organization_id) if organization_id else "")


def _base_url(organization_id: UUID) -> str:
    """Retell's address, or for what is marked as demo the made-up one of `make run`."""
    if not settings.DEMO_RETELL_BASE_URL:
        return settings.RETELL_BASE_URL
    is_demo = Organization.objects.filter(pk=organization_id, is_demo=True).exists()
    return settings.DEMO_RETELL_BASE_URL if is_demo else settings.RETELL_BASE_URL


def _asked(key: str, base_url: str) -> Workspace:
    failure: RetellKeyError
    try:
        with RetellApi(
            key,
            base_url=base_url,
            timeout_seconds=settings.RETELL_CHECK_SECONDS,
            patience_seconds=0,
        ) as api:
            workspace = api.workspace()
    except RetellApiError as error:
        failure = RetellKeyError(refusal_of(error))
    else:
        if len(workspace.org_id) <= WORKSPACE_ID_MAX_LENGTH and workspace.org_id.isprintable():
            return workspace
        failure = RetellKeyError(Refused.UNREACHABLE)
    raise failure  # outside of `except`: what was sent is not its context


def refusal_of(error: RetellApiError) -> Refused:
    """Why a key was not taken when asking with it failed."""
    if error.kind == Kind.KEY_REFUSED:
        return Refused.NO_ACCESS if error.status == 403 else Refused.KEY_REFUSED
    return _CHECK_REFUSALS.get(error.kind, Refused.KEY_REFUSED)


def connection() -> RetellConnection:
    """This organization's connection; unsaved and empty when nothing was stored yet."""
    row = RetellConnection.objects.filter(pk=1).first()
    return row or RetellConnection(pk=1)


def signing_keys(organization_id: UUID) -> tuple[list[str], int]:
    """Keys that may have signed a webhook of this organization, current first, and how many more
    there are that cannot be decrypted."""
    row = connection()
    sealed = [row.key_encrypted] if row.key_encrypted is not None else []
    if row.previous_key_encrypted is not None and row.previous_key_is_valid():
        sealed.append(row.previous_key_encrypted)
    opened = [unsealed(value, organization_id, SIGNING_KEY_FIELD) for value in sealed]
    keys = [key for key in opened if key is not None]
    return keys, len(sealed) - len(keys)


def unsealed(value: bytes | memoryview | None, organization_id: UUID, field: str) -> str | None:
    """A stored key; None when there is none or it cannot be decrypted."""
    if value is None:
        return None
    try:
        return encryption.decrypt(value, organization_id=organization_id, field=field)
    except encryption.DecryptionError:
        return None


def stored_api_key(row: RetellConnection, organization_id: UUID) -> str:
    """Raises `RetellKeyError` when there is none."""
    if not row.has_api_key:
        raise RetellKeyError(Refused.NOT_CONNECTED)
    key = unsealed(row.api_key_encrypted, organization_id, API_KEY_FIELD)
    if key is None:
        raise RetellKeyError(Refused.UNREADABLE)
    return key


def is_unreadable(row: RetellConnection, organization_id: UUID) -> bool:
    """Whether an API key is stored that cannot be decrypted."""
    key = unsealed(row.api_key_encrypted, organization_id, API_KEY_FIELD)
    return row.has_api_key and key is None


def open_api(organization_id: UUID, **options: Any) -> RetellApi:
    """Retell's API with the stored key; `options` as `RetellApi` takes them.

    Raises `RetellKeyError` when no key is stored, or one that was never checked: whose workspace
    it opens is not known then. See `agents.connection.actions.api_key.confirm`.
    """
    row = connection()
    key = stored_api_key(row, organization_id)
    if not row.workspace_id or row.key_state == ApiKeyState.UNCHECKED:
        raise RetellKeyError(Refused.UNCHECKED)
    base_url = _base_url(organization_id)
    return RetellApi(key, base_url=base_url, workspace_id=row.workspace_id, **options)
