"""Tokens for people's programs. None of these answers is kept for an Idempotency-Key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import host_key
from accounts.limits import account_wait
from accounts.tokens import actions
from accounts.tokens.actions import TokenRefused
from config.addresses import client_address
from config.api.documents import PLAIN
from config.api.operations import Operation
from config.api.problems import Problem, unauthorized
from config.api.serializers import Body, read
from config.api.views import ApiView
from config.limits import seconds_to_wait

EXAMPLE = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…",
    "refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…",
    "token_type": "Bearer",
    "expires_in": 300,
}
CREDENTIALS = {"email": "alice@example.com", "password": "correct horse battery staple"}


class CredentialsSerializer(Body):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    code = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="Of the second factor."
    )


class RefreshSerializer(Body):
    refresh = serializers.CharField(max_length=2048)


class PairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="For Authorization: Bearer.")
    refresh = serializers.CharField(help_text="Counts once, within 14 days.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")


class OpenView(ApiView):
    """For who is not known yet: counted by address."""

    tag = "tokens"
    chooses_fields = False

    def identify(self, request: Request) -> None:
        """Nobody yet."""
        self.check_parameters()


class GiveTokens(OpenView):
    operations = {
        "POST": Operation(
            "give_tokens", gives=PairSerializer, example=EXAMPLE, is_idempotent=False,
            takes=CredentialsSerializer, takes_example=CREDENTIALS,
        )
    }  # fmt: skip

    def post(self, request: Request) -> Response:
        """Sign a program in, in the name of a person.

        Its tokens may do what the person may, as far as scopes go."""
        given = read(CredentialsSerializer, request.data)
        self._count(given["email"])
        try:
            pair = actions.give_tokens(
                self.asked,
                email=given["email"],
                password=given["password"],
                code=given.get("code", ""),
            )
        except TokenRefused as refused:
            raise unauthorized(refused.slug, str(refused)) from refused
        return Response(pair.as_json())

    def _count(self, email: str) -> None:
        """As the page that takes passwords counts: by address and by account."""
        address = f"address:{client_address(self.asked)}:{host_key(self.asked.organization)}"
        wait = seconds_to_wait(self.asked, "sign-in", address, settings.SIGN_IN_LIMIT)
        wait = max(wait, account_wait(self.asked, email))
        if wait:
            raise Problem(429, *PLAIN[429], headers={"Retry-After": str(wait)})


class RefreshTokens(OpenView):
    operations = {
        "POST": Operation(
            "refresh_tokens", gives=PairSerializer, example=EXAMPLE, is_idempotent=False,
            takes=RefreshSerializer, takes_example={"refresh": EXAMPLE["refresh"]},
        )
    }  # fmt: skip

    def post(self, request: Request) -> Response:
        """Exchange a refresh token for the next pair.

        It counts once: one that comes a second time ends all that came of it."""
        token = read(RefreshSerializer, request.data)["refresh"]
        try:
            return Response(actions.refresh(self.asked.organization, token).as_json())
        except TokenRefused as refused:
            raise unauthorized(refused.slug, str(refused)) from refused


class RevokeTokens(OpenView):
    operations = {
        "POST": Operation(
            "revoke_tokens", status=204, is_idempotent=False,
            takes=RefreshSerializer, takes_example={"refresh": EXAMPLE["refresh"]},
        )
    }  # fmt: skip

    def post(self, request: Request) -> HttpResponseBase:
        """Sign a program out."""
        actions.revoke(self.asked.organization, read(RefreshSerializer, request.data)["refresh"])
        return Response(status=204)
