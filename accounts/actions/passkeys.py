"""Passkeys: used in place of a code, added, renamed, removed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django_otp_webauthn.exceptions import CredentialDisabled
from django_otp_webauthn.models import WebAuthnCredential

from accounts.actions.factors import add_factor, lock_factors, remove_factor
from accounts.exceptions import AccountError
from accounts.http import MemberRequest, VisitorRequest
from accounts.models import Session, User
from accounts.passkeys import PasskeyHelper
from accounts.sessions import SessionStore
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.scope import door

logger = logging.getLogger(__name__)

SIGN_IN_KEY, ADD_KEY = "passkey_sign_in", "passkey_add"
CHALLENGE_VALID_SECONDS = 300
MOST = 10

REFUSED = "That passkey was not accepted and nothing was changed. Try again."
STALE = "That took too long, or was answered already. Nothing was changed; try again."
TOO_MANY = "You have ten passkeys. Remove one before you add another."

PASSKEY_REFUSED = Action("accounts.passkey_refused", "gave a wrong passkey", Kind.ACCESS)
ADDED = Action("accounts.passkey_added", "added the passkey {object}", Kind.CREATE)
RENAMED = Action("accounts.passkey_renamed", "renamed the passkey {object}")
REMOVED = Action("accounts.passkey_removed", "removed the passkey {object}", Kind.DELETE)


def _remember(request: VisitorRequest, key: str, user: User, state: dict[str, Any]) -> None:
    now = timezone.now().timestamp()
    request.session[key] = state | {"user": str(user.pk), "at": now}


def _take(request: VisitorRequest, key: str, user: User) -> dict[str, Any]:
    """The challenge this session was given, once: of two requests, one waits and finds none."""
    request.session.pop(key, None)
    with door(), transaction.atomic():
        list(Session.objects.select_for_update().filter(pk=request.session.session_key))
        stored = SessionStore(request.session.session_key)
        state: dict[str, Any] | None = stored.pop(key, None)
        if state is not None:
            stored.save()
    if state is None or state["user"] != str(user.pk):
        raise AccountError(STALE)
    if timezone.now().timestamp() - state["at"] > CHALLENGE_VALID_SECONDS:
        raise AccountError(STALE)
    return state


@contextmanager
def _refusals() -> Iterator[None]:
    """Whatever is wrong with an answer is one sentence for the person, and a line in the log."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # The libraries parse what anybody may send, and raise whatever parsing raises.
        logger.warning("passkey refused", exc_info=True)
        raise AccountError(REFUSED) from error


def begin_sign_in(request: VisitorRequest, user: User) -> dict[str, Any]:
    """What the browser is to ask for, of the person whose password was right."""
    with door():
        options, state = PasskeyHelper(request).authenticate_begin(user)
    _remember(request, SIGN_IN_KEY, user, state)
    return options


def verify_passkey(request: VisitorRequest, user: User, answer: str) -> WebAuthnCredential:
    """The passkey that answered.

    Raises `AccountError` when it is not this person's, not about this session's challenge and this
    host, or says it was used less often than it was.
    """
    try:
        state = _take(request, SIGN_IN_KEY, user)
        with _refusals(), door(), transaction.atomic():
            return _verify(request, user, state, answer)
    except AccountError:
        with door():
            record(PASSKEY_REFUSED, actor=user)
        raise


def _verify(
    request: VisitorRequest, user: User, state: dict[str, Any], answer: str
) -> WebAuthnCredential:
    # One at a time: two answers could both say one more than the stored count.
    list(WebAuthnCredential.objects.select_for_update().filter(user=user))
    credential = PasskeyHelper(request).authenticate_complete(user, state, json.loads(answer))
    if not credential.confirmed:
        raise CredentialDisabled
    return credential


def begin_adding(request: VisitorRequest, user: User) -> dict[str, Any]:
    """What the browser is to make. Raises `AccountError` when there are too many already."""
    with door():
        if WebAuthnCredential.objects.filter(user=user).count() >= MOST:
            raise AccountError(TOO_MANY)
        options, state = PasskeyHelper(request).register_begin(user)
    _remember(request, ADD_KEY, user, state)
    return options


def add_passkey(request: MemberRequest, user: User, *, name: str, answer: str) -> list[str]:
    """Keep what the browser made; the recovery codes that come with a first factor, else []."""
    state = _take(request, ADD_KEY, user)
    with door(), transaction.atomic():
        lock_factors(request)
        with _refusals():
            made = json.loads(answer)
            made.pop("clientExtensionResults", None)  # not signed, and read without care
            credential = PasskeyHelper(request).register_complete(user, state, made)
            credential.name = name
            credential.save(update_fields=["name"])
        return add_factor(request, credential, ADDED)


def rename_passkey(credential: WebAuthnCredential, *, name: str) -> None:
    with door(), transaction.atomic():
        record(RENAMED, name, changes={"name": [credential.name, name]})
        credential.name = name
        credential.save(update_fields=["name"])


def remove_passkey(request: MemberRequest, credential: WebAuthnCredential) -> None:
    """Raises `AccountError` when it is the last factor of somebody who needs one."""
    remove_factor(request, credential, REMOVED)
