"""The key that asks Retell. The workspace an organization is connected to does not change by it:
it is disconnected first, by an action of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as procrastinate

from agents.connection import keys
from agents.connection.actions import signing_key
from agents.connection.exceptions import Refused, RetellKeyError
from agents.connection.row import assign, locked
from agents.models import API_KEY_FIELD, ApiKeyState, RetellConnection
from agents.retell import Kind, RetellApiError, Workspace
from audit.actions import record
from audit.vocabulary import Action
from audit.vocabulary import Kind as Doing
from tenants import encryption
from tenants.models import RetellWorkspace

CONNECTED = Action(
    "agents.retell_connected",
    "connected the Retell workspace {workspace} by the API key that ends in {ends_in}",
    Doing.CREATE,
)
STORED = Action(
    "agents.api_key_stored",
    "stored the Retell API key that ends in {ends_in}, without checking it",
    Doing.CREATE,
)
CHANGED = Action("agents.api_key_changed", "exchanged the Retell API key; its last characters went")
DISCONNECTED = Action(
    "agents.retell_disconnected",
    "disconnected the Retell workspace {workspace}; its API key ended in {ended_in}",
    Doing.DELETE,
)

NAME_MAX_LENGTH = 200
# Longer than every kind of request waits for its turn: agents are read each hour.
NO_ACCESS_LASTS = timedelta(minutes=75)


def connect(
    organization_id: UUID, key: str, workspace: Workspace, *, signs_webhooks: bool = False
) -> RetellConnection:
    """Store an API key whose workspace `keys.check_key` found.

    With `signs_webhooks` it becomes the signing key, too. Raises `RetellKeyError` when the
    workspace is another organization's, or not the one connected here.
    """
    key = keys.clean_key(key)
    with transaction.atomic():
        row = locked()
        _claim(organization_id, row, workspace.org_id)
        before = row.api_key_last4 if row.has_api_key and row.workspace_id else None
        values = _api_key_values(organization_id, key) | _checked(workspace)
        row.save(update_fields=assign(row, **values))
        _record_api_key(row, before)
        _sync_agents_soon(organization_id)
        if signs_webhooks:
            signing_key.exchange(organization_id, row, key)
    return row


def store_unchecked(
    organization_id: UUID, key: str, *, signs_webhooks: bool = False
) -> RetellConnection:
    """Store an API key although Retell cannot be asked; it is not used before `confirm`."""
    key = keys.clean_key(key)
    with transaction.atomic():
        row = locked()
        values = _UNCHECKED | _api_key_values(organization_id, key)
        row.save(update_fields=assign(row, **values))
        record(STORED, row, details={"ends_in": row.api_key_last4})
        if signs_webhooks:
            signing_key.exchange(organization_id, row, key)
    return row


def confirm(organization_id: UUID) -> RetellConnection:
    """Ask Retell about the stored API key and note what it says. Raises `RetellKeyError`."""
    row = keys.connection()
    key = keys.stored_api_key(row, organization_id)
    try:
        workspace = keys.check_key(key, organization_id)
    except RetellKeyError as error:
        _note(row, _STATES.get(error.why))
        raise
    with transaction.atomic():
        current = locked()
        if current.api_key_encrypted != row.api_key_encrypted:
            return current  # exchanged meanwhile, and checked then
        _claim(organization_id, current, workspace.org_id)
        was_checked = current.key_state != ApiKeyState.UNCHECKED
        current.save(update_fields=assign(current, **_checked(workspace)))
        if not was_checked:
            _record_api_key(current, None)
            _sync_agents_soon(organization_id)
    return current


def _sync_agents_soon(organization_id: UUID) -> None:
    """Nobody waits an hour to see their agents. By name: the task needs this module."""
    task = procrastinate.configure_task("agents.sync_one")
    task.defer(organization_id=str(organization_id))


def reclaim(organization_id: UUID) -> None:
    """Make the workspace this organization's again, after it was away; if it is another's now,
    the connection is given up."""
    if not keys.connection().workspace_id:
        return
    with transaction.atomic():
        row = locked()
        try:
            _claim(organization_id, row, row.workspace_id)
        except RetellKeyError:
            disconnect(organization_id)


def disconnect(organization_id: UUID) -> None:
    """Remove the API key and give the workspace up. Webhooks go on with the signing key."""
    with transaction.atomic():
        row = locked()
        if not row.has_api_key and not row.workspace_id:
            raise RetellKeyError(Refused.NOT_CONNECTED)
        details = {
            "workspace": row.workspace_name or row.workspace_id,
            "ended_in": row.api_key_last4,
        }
        RetellWorkspace.objects.filter(organization_id=organization_id).delete()
        values = _UNCHECKED | {"workspace_id": "", "workspace_name": ""}
        row.save(update_fields=assign(row, api_key_encrypted=None, api_key_last4="", **values))
        record(DISCONNECTED, row, details=details)


def _claim(organization_id: UUID, row: RetellConnection, workspace_id: str) -> None:
    """Make the workspace this organization's. Two at once: the database lets one of them."""
    if row.workspace_id and row.workspace_id != workspace_id:
        raise RetellKeyError(Refused.WORKSPACE_CHANGED)
    if RetellWorkspace.objects.filter(
        organization_id=organization_id, workspace_id=workspace_id
    ).exists():
        return
    try:
        with transaction.atomic():
            RetellWorkspace.objects.create(
                organization_id=organization_id, workspace_id=workspace_id
            )
    except IntegrityError:
        taken = True
    else:
        taken = False
    if taken:  # outside of `except`: PostgreSQL's words name the workspace
        raise RetellKeyError(Refused.WORKSPACE_TAKEN)


_UNCHECKED: dict[str, Any] = {
    "api_key_state": ApiKeyState.UNCHECKED,
    "api_key_checked_at": None,
    "api_key_name": "",
}


def _api_key_values(organization_id: UUID, key: str) -> dict[str, Any]:
    sealed = encryption.encrypt(key, organization_id=organization_id, field=API_KEY_FIELD)
    return {"api_key_encrypted": sealed, "api_key_last4": key[-4:]}


def _checked(workspace: Workspace) -> dict[str, Any]:
    return {
        "api_key_state": ApiKeyState.OK,
        "api_key_checked_at": timezone.now(),
        "api_key_name": _plain(workspace.key_name),
        "workspace_id": workspace.org_id,
        "workspace_name": _plain(workspace.name),
    }


def _plain(name: str) -> str:
    """A name of Retell's as a column takes it."""
    return name.replace("\x00", "")[:NAME_MAX_LENGTH]


def _record_api_key(row: RetellConnection, before: str | None) -> None:
    """The last four characters only, as pages show them."""
    ends_in = row.api_key_last4
    if before is None:
        details = {"workspace": row.workspace_name or row.workspace_id, "ends_in": ends_in}
        record(CONNECTED, row, details=details)
    else:
        record(CHANGED, row, changes={"ends in": [before, ends_in]})


_STATES = {
    Refused.KEY_REFUSED: ApiKeyState.REFUSED,
    Refused.NO_ACCESS: ApiKeyState.NO_ACCESS,
}


def note(error: RetellApiError | None) -> None:
    """What using the stored API key said of it: it works (None), or Retell refused it. Other
    failures say nothing of the key."""
    row = keys.connection()
    if error is None and not _lacked_access_lately(row):
        _note(row, ApiKeyState.OK)
    elif error is not None and error.kind == Kind.KEY_REFUSED:
        _note(row, _STATES[keys.refusal_of(error)])


def _lacked_access_lately(row: RetellConnection) -> bool:
    """What one kind of request is refused, another may be allowed: that it works says little."""
    if row.key_state != ApiKeyState.NO_ACCESS or row.api_key_checked_at is None:
        return False
    return timezone.now() - row.api_key_checked_at < NO_ACCESS_LASTS


def _note(row: RetellConnection, state: ApiKeyState | None) -> None:
    """Of that key: it may have been exchanged meanwhile. One that was never checked stays so."""
    if state is not None and row.has_api_key:
        RetellConnection.objects.filter(pk=1, api_key_encrypted=row.api_key_encrypted).exclude(
            api_key_state=ApiKeyState.UNCHECKED
        ).update(api_key_state=state, api_key_checked_at=timezone.now())
