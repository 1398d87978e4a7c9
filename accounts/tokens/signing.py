"""JSON Web Tokens, each bound to one organization and one use.

simplejwt's defaults would let a token of one organization in at another's host: here `aud` is the
organization's id, or "operator", and a token of another audience does not even decode.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

ACCESS, REFRESH = "access", "refresh"
ACCESS_LIFETIME = timedelta(minutes=5)
REFRESH_LIFETIME = timedelta(days=14)
ISSUER = "switchboard"
# The only one that is read: neither "none" nor a public key as a secret counts.
ALGORITHM = "HS256"
_LIFETIMES = {ACCESS: ACCESS_LIFETIME, REFRESH: REFRESH_LIFETIME}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says: which family it is of, and which of that family it is."""

    family_id: UUID
    token_id: UUID


def sign(claims: Claims, *, use: str, audience: str) -> str:
    """`use` is ACCESS or REFRESH."""
    now = timezone.now()
    payload = {
        "typ": use,
        "iss": ISSUER,
        "aud": audience,
        "sid": str(claims.family_id),
        "jti": str(claims.token_id),
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFETIMES[use]).timestamp()),
    }
    return str(_backend(audience).encode(payload))


def read(token: str, *, use: str, audience: str) -> Claims | None:
    """None for whatever is not a token of ours, for this use and audience, that counts now."""
    try:
        payload = _backend(audience).decode(cast(Token, token))
        if payload.get("typ") != use:
            return None
        return Claims(UUID(payload["sid"]), UUID(payload["jti"]))
    except (TokenBackendError, KeyError, ValueError, TypeError, AttributeError):
        return None


def _backend(audience: str) -> TokenBackend:
    return TokenBackend(ALGORITHM, signing_key=_key(), audience=audience, issuer=ISSUER)


def _key() -> str:
    """Its own key, so that nothing else that SECRET_KEY signs can pass for a token."""
    return hashlib.sha256(b"accounts.tokens " + settings.SECRET_KEY.encode()).hexdigest()
