"""Passkeys: whose name they belong to, and who has which. docs/adr/0006 says what is the library's.

They are added, used and removed by `accounts.actions.passkeys`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.http import Http404
from django.http.request import split_domain_port
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential, as_credential_descriptors
from webauthn.helpers.structs import UserVerificationRequirement

from accounts.http import VisitorRequest
from accounts.models import User
from tenants.scope import door


def relying_party(request: VisitorRequest) -> str:
    """The name that passkeys of this host belong to: one for all hosts of the installation.

    Custom domains, and names without a dot such as localhost, stand for themselves: a browser lets
    no page use a passkey of a name that it is not below.
    """
    host, _ = split_domain_port(request.get_host())
    base = settings.BASE_DOMAIN
    return base if "." in base and (host == base or host.endswith(f".{base}")) else host


@dataclass(frozen=True, slots=True)
class Passkey:
    """One row of somebody's list. `works_here`: it belongs to this host's relying party."""

    credential: WebAuthnCredential
    works_here: bool


class Offer(StrEnum):
    """What the second step says of somebody's passkeys."""

    NONE = ""
    HERE = "here"
    ELSEWHERE = "elsewhere"


def list_passkeys(request: VisitorRequest, user: User) -> list[Passkey]:
    """Those they may use. What the authenticator told when one was added says whose it is."""
    party = hashlib.sha256(relying_party(request).encode()).digest()
    with door():
        credentials = WebAuthnCredential.objects.filter(user=user, confirmed=True)
        return [
            Passkey(one, one.attestation.attestation_object.auth_data.rp_id_hash == party)
            for one in credentials.select_related("attestation").order_by("pk")
        ]


def offer_of(request: VisitorRequest, user: User) -> Offer:
    found = list_passkeys(request, user)
    if any(passkey.works_here for passkey in found):
        return Offer.HERE
    return Offer.ELSEWHERE if found else Offer.NONE


def get_passkey(user: User, pk: int) -> WebAuthnCredential:
    """One of the person's own; 404 for anybody else's."""
    with door():
        credential = WebAuthnCredential.objects.filter(user=user, pk=pk).first()
    if credential is None:
        raise Http404
    return credential


class PasskeyHelper(WebAuthnHelper):
    """The library's two ceremonies, with our relying party and the person always verified."""

    request: VisitorRequest

    def get_relying_party_domain(self) -> str:
        return relying_party(self.request)

    def get_allowed_origins(self) -> list[str]:
        return [f"{self.request.scheme}://{self.request.get_host()}"]

    def get_registration_extensions(self) -> dict[str, Any]:
        return {}

    def get_generate_registration_options_kwargs(self, *, user: User) -> dict[str, Any]:
        options = super().get_generate_registration_options_kwargs(user=user)
        options["authenticator_selection"].user_verification = UserVerificationRequirement.REQUIRED
        return options

    def get_generate_authentication_options_kwargs(
        self, *, user: User | None = None, require_user_verification: bool
    ) -> dict[str, Any]:
        options = super().get_generate_authentication_options_kwargs(
            user=user, require_user_verification=require_user_verification
        )
        found = list_passkeys(self.request, user) if user else []
        here = [passkey.credential.pk for passkey in found if passkey.works_here]
        options["allow_credentials"] = as_credential_descriptors(
            WebAuthnCredential.objects.filter(pk__in=here).order_by("pk")
        )
        return options
