"""Giving tokens to people's programs, exchanging and ending them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import uuid_utils.compat
from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.actions import sign_in
from accounts.http import VisitorRequest
from accounts.limits import may_try_code
from accounts.models import TokenFamily, User
from accounts.tokens import signing
from accounts.tokens.signing import ACCESS, REFRESH, Claims
from audit.actions import record
from audit.vocabulary import Action, Kind
from config.addresses import client_address
from tenants.models import Organization
from tenants.scope import door

GIVEN = Action("accounts.tokens_given", "signed a program in", Kind.ACCESS)
REUSED = Action(
    "accounts.token_reused", "had their program signed out: a token came twice", Kind.ACCESS
)
ENDED = Action("accounts.tokens_ended", "signed a program out", Kind.ACCESS)


class TokenRefused(Exception):
    """No tokens; `slug` says why to a program, the message to a person."""

    def __init__(self, slug: str, sentence: str) -> None:
        super().__init__(sentence)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token, and the refresh token that the next pair is fetched with, once."""

    access: str
    refresh: str

    def as_json(self) -> dict[str, str | int]:
        seconds = int(signing.ACCESS_LIFETIME.total_seconds())
        return {
            "access": self.access,
            "refresh": self.refresh,
            "token_type": "Bearer",
            "expires_in": seconds,
        }


def give_tokens(request: VisitorRequest, *, email: str, password: str, code: str) -> Pair:
    """For a right password, and a right code where there is a second factor or one is required.

    Raises `TokenRefused`: the same for an unknown address and for a wrong password.
    """
    user = sign_in.check_password(request, email=email, password=password)
    if user is None:
        raise TokenRefused("wrong-credentials", "E-mail address or password is wrong.")
    verified = _verify(request, user, code)
    with door(), transaction.atomic():
        family = TokenFamily.objects.create(
            user=user,
            organization=request.organization,
            is_verified=verified,
            password_seal=_seal(user),
            address=client_address(request),
            ends_at=timezone.now() + signing.REFRESH_LIFETIME,
        )
        record(GIVEN, actor=user)
    return _pair(family)


def _verify(request: VisitorRequest, user: User, code: str) -> bool:
    """Whether they gave their second factor. Raises `TokenRefused` when it is missing or wrong."""
    if not sign_in.needs_second_factor(user):
        if _is_held(request.organization, user):
            raise TokenRefused(
                "second-factor-required",
                "A second factor is required here: sign in on the pages and set one up first.",
            )
        return False
    if not code:
        raise TokenRefused("code-required", "Send the code of your second factor as `code`, too.")
    if not may_try_code(request, user) or sign_in.verify_code(user, code) is None:
        raise TokenRefused("wrong-code", "The code is wrong, was used before, or came too often.")
    return True


def _is_held(organization: Organization | None, user: User) -> bool:
    membership = access.find_membership(user, organization)
    return membership is None or access.policy_of(membership.organization).requires_second_factor


def refresh(organization: Organization | None, token: str) -> Pair:
    """The next pair. A refresh token that comes a second time was copied by somebody: then the
    whole family ends. Raises `TokenRefused`."""
    claims = signing.read(token, use=REFRESH, audience=access.host_key(organization))
    if claims is None:
        raise _unusable()
    with door():
        pair = _exchange(claims)
    if pair is None:
        raise _unusable()
    return pair


def _exchange(claims: Claims) -> Pair | None:
    with transaction.atomic():
        family = _usable_family(claims, lock=True)
        if family is None:
            return None
        if family.refresh_id != claims.token_id:
            record(REUSED, actor=family.user, organization=family.organization)
            family.delete()
            return None
        family.refresh_id = uuid_utils.compat.uuid7()
        family.save(update_fields=["refresh_id"])
        return _pair(family)


def revoke(organization: Organization | None, token: str) -> None:
    """End the family of a refresh token. Nothing is told of one that does not count."""
    claims = signing.read(token, use=REFRESH, audience=access.host_key(organization))
    if claims is None:
        return
    with door(), transaction.atomic():
        family = _usable_family(claims, lock=True)
        if family is not None:
            record(ENDED, actor=family.user, organization=family.organization)
            family.delete()


def find_family(organization: Organization | None, token: str) -> TokenFamily | None:
    """The family of an access token that counts now, with its person."""
    claims = signing.read(token, use=ACCESS, audience=access.host_key(organization))
    if claims is None:
        return None
    with door():
        return _usable_family(claims)


def _usable_family(claims: Claims, *, lock: bool = False) -> TokenFamily | None:
    families = TokenFamily.objects.select_related("user", "organization")
    if lock:
        families = families.select_for_update(of=("self",))
    family = families.filter(
        pk=claims.family_id, user__is_active=True, ends_at__gt=timezone.now()
    ).first()  # fmt: skip
    if family is None or family.password_seal != _seal(family.user):
        return None
    return family


def end_tokens(user: User, *, organization: Organization | None = None) -> None:
    """All of a person's, or those of one organization's host. At the door."""
    families = TokenFamily.objects.filter(user=user)
    if organization is not None:
        families = families.filter(organization=organization)
    families.delete()


def _seal(user: User) -> str:
    """Changes with their password, and does not give it away."""
    return user.get_session_auth_hash()


def _pair(family: TokenFamily) -> Pair:
    audience = access.host_key(family.organization)
    fresh: UUID = uuid_utils.compat.uuid7()
    return Pair(
        signing.sign(Claims(family.pk, fresh), use=ACCESS, audience=audience),
        signing.sign(Claims(family.pk, family.refresh_id), use=REFRESH, audience=audience),
    )


def _unusable() -> TokenRefused:
    return TokenRefused("token-unusable", "The token is not valid here any more. Sign in again.")
