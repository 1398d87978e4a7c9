"""Retell's API with an organization's own key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from agents.models import API_KEY_FIELD, ApiKeyState, RetellConnection
from agents.retell import Kind, RetellApi, RetellApiError
from tenants import encryption
from tenants.models import Organization


@contextmanager
def open_api(
    organization: Organization, *, share: float = 1.0, patience_seconds: float | None = None
) -> Iterator[RetellApi | None]:
    """The API, inside the organization's context; None without an API key.

    What it answers to the key is noted on the connection; the error goes on to the caller.
    """
    connection = RetellConnection.objects.filter(pk=1).first()
    if connection is None or connection.api_key_encrypted is None:
        yield None
        return
    key = encryption.decrypt(
        connection.api_key_encrypted, organization_id=organization.pk, field=API_KEY_FIELD
    )
    with RetellApi(
        key,
        workspace_id=connection.workspace_id,
        share=share,
        patience_seconds=patience_seconds,
    ) as api:
        try:
            yield api
        except RetellApiError as error:
            _note(error)
            raise
    if connection.key_state != ApiKeyState.OK:
        _note(None)


def _note(error: RetellApiError | None) -> None:
    """Only answers about the key; Retell being away says nothing of it."""
    if error is None:
        state = ApiKeyState.OK
    elif error.kind is Kind.KEY_REFUSED:
        state = ApiKeyState.NO_ACCESS if error.status == 403 else ApiKeyState.REFUSED
    else:
        return
    RetellConnection.objects.filter(pk=1).update(
        api_key_state=state, api_key_checked_at=timezone.now()
    )
