"""Who calls the API: a key, a person's token, or (documentation pages only) a person's session.

The one place that decides it; read from the database at every request, so that a revoked key, a
changed role, a removed member and a suspended organization count at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _

from accounts import access
from accounts.access import Standing
from accounts.api_keys.actions import touch
from accounts.api_keys.lookup import find_key
from accounts.api_keys.secrets import PREFIX, holds_key
from accounts.http import ApiRequest
from accounts.models import User
from accounts.scopes import OF_OPERATOR, known, rights_of_scopes, scopes_of_rights
from accounts.tokens.actions import find_family
from audit.circumstances import Actor, circumstances
from config.addresses import client_address
from config.api.problems import Problem, unauthorized

# Names under which people put keys into URLs, where logs and histories keep them.
_NAMES_OF_KEYS = {"api_key", "apikey", "key", "access_token", "token", "authorization"}
DOCS_HEADER = "X-CSRFToken"
MOST_CHARACTERS = 4096


def identify(request: ApiRequest) -> None:
    """Set `request.user` and `request.standing`. Raises `Problem`: 400 for a credential in the
    URL; else 401, the same for a key that never was, ended, or is another organization's."""
    _refuse_credentials_in_url(request)
    kind, _space, credential = request.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    if not kind and DOCS_HEADER in request.headers:
        _as_session(request)
    elif kind.lower() != "bearer" or not credential or len(credential) > MOST_CHARACTERS:
        raise unauthorized("credential-missing", _("Send “Authorization: Bearer …” with a key."))
    elif credential.startswith(PREFIX):
        _as_key(request, credential)
    else:
        _as_token(request, credential)


def _refuse_credentials_in_url(request: ApiRequest) -> None:
    values = [value for name in request.GET for value in request.GET.getlist(name)]
    named = _NAMES_OF_KEYS & {name.lower() for name in request.GET}
    if named or any(holds_key(value) for value in values):
        raise Problem(
            400,
            "credential-in-url",
            _("A credential does not belong in a URL"),
            _(
                "URLs stay in logs and histories. Nothing was read. If it was a key, revoke it, and"
                " send the new one as “Authorization: Bearer …”."
            ),
        )


def _as_key(request: ApiRequest, text: str) -> None:
    address = client_address(request)
    key = find_key(text, request.organization, address=address)
    if key is None:
        raise unauthorized("key-refused", _("This key does not count here, or does not any more."))
    scopes = known(key.scopes)
    request.user = key
    request.standing = Standing(
        rights=rights_of_scopes(scopes), is_operator=request.organization is None, scopes=scopes
    )
    touch(key, address)


def _as_token(request: ApiRequest, token: str) -> None:
    family = find_family(request.organization, token)
    standing = _standing_of(request, family.user, verified=family.is_verified) if family else None
    if family is None or standing is None:
        raise unauthorized("token-refused", _("This token does not count here, or not any more."))
    request.user, request.standing = family.user, standing


def _standing_of(request: ApiRequest, user: User, *, verified: bool) -> Standing | None:
    if request.organization is None:
        may = user.is_super_admin and verified
        return Standing(is_operator=True, scopes=OF_OPERATOR) if may else None
    membership = access.find_membership(user, request.organization)
    if membership is None:
        return None
    standing = access.member_standing(user, membership, verified=verified)
    if standing.hold is not None:
        return None
    return replace(standing, scopes=scopes_of_rights(standing.rights))


def _as_session(request: ApiRequest) -> None:
    """The documentation's own pages try requests out in the name of who reads them. The header
    cannot be sent by a page of somebody else's, and must hold the session's own token."""
    standing = request.standing
    refusal = _CsrfCheck(lambda _request: HttpResponse()).process_view(request, None, (), {})
    is_known = isinstance(request.user, User) and standing.hold is None
    if refusal is not None or not is_known or not standing.may_be_here:
        raise unauthorized("session-refused", _("Sign in again, or send a key."))
    scopes = OF_OPERATOR if standing.is_operator else scopes_of_rights(standing.rights)
    request.standing = replace(standing, scopes=scopes)


class _CsrfCheck(CsrfViewMiddleware):
    """Reading counts, too: the session opens the API only to our own page."""

    def process_view(self, request: Any, callback: Any, args: Any, kwargs: Any) -> Any:
        method, request.method = request.method, "POST"
        try:
            self.process_request(request)
            return super().process_view(request, callback, args, kwargs)
        finally:
            request.method = method

    def _reject(self, request: Any, reason: str) -> str:
        return reason


@contextmanager
def in_the_name_of(request: ApiRequest) -> Iterator[None]:
    """For the length of a request: whose rights decide, and whose name stands in the log."""
    caller = request.user
    with (
        access.rights_for_request(request.standing.rights),
        circumstances(actor=Actor(caller.audit_label, caller.pk), details={"device": "API"}),
    ):
        yield
