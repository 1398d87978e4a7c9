"""Outgoing webhooks: who is told of what, what was sent, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import MemberRequest
from accounts.scopes import Scope
from config.api.idempotency import idempotent
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import Problem, conflict, error, invalid_body
from config.api.serializers import read
from config.api.views import ApiView
from notices import access, actions, signing
from notices.actions import SubscriptionError
from notices.api.serializers import (
    EXAMPLE,
    REPLAY,
    REPLAYED,
    SENDING,
    WISH,
    WITH_SECRET,
    ChangeSerializer,
    NewSecretSerializer,
    NewSubscriptionSerializer,
    ReplayedSerializer,
    ReplaySerializer,
    SendingSerializer,
    SubscriptionSerializer,
)
from notices.forms import FAILED, SubscriptionForm
from notices.models import Sending, Subscription

READ, WRITE = Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE


def _checked(given: Mapping[str, Any], before: Subscription | None = None) -> dict[str, Any]:
    """What the page's form makes of it. Raises `Problem` with what it refuses."""
    known = SubscriptionForm.of(before).initial if before else {}
    form = SubscriptionForm({**known, **given})
    if not form.is_valid():
        raise invalid_body(
            [
                error(name, str(message))
                for name, messages in form.errors.items()
                for message in messages
            ]
        )
    return form.cleaned_data


def _refused(raised: SubscriptionError) -> Problem:
    return conflict("subscription", str(raised))


class _SubscriptionView(ApiView):
    tag = "subscriptions"

    @property
    def member(self) -> MemberRequest:
        return cast(MemberRequest, self.asked)

    def with_secret(self, answer: Any) -> Any:
        """In answers that have a place for it. When an answer is given again, it is the same
        secret, or none is given."""
        if "secret" not in answer:
            return answer
        found = Subscription.objects.filter(pk=answer["id"]).first()
        organization_id = self.member.organization.pk
        secret = found and signing.secret_with(answer["secret"], found, organization_id)
        if not secret:
            raise conflict(
                "secret-gone",
                _("This was done before, and its secret was exchanged since. Nothing was done."),
            )
        return {**answer, "secret": secret}


class SubscriptionList(_SubscriptionView, ListView):
    resource = "subscriptions"
    operations = {
        "GET": Operation(
            "list_subscriptions", READ, gives=SubscriptionSerializer, many=True, example=EXAMPLE
        ),
        "POST": Operation(
            "create_subscription", WRITE, gives=NewSecretSerializer, example=WITH_SECRET,
            status=201, takes=NewSubscriptionSerializer, takes_example=WISH,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """Outgoing webhooks, the newest first."""
        return self.page(Subscription.objects.order_by("-id"), SubscriptionSerializer)

    @idempotent
    def post(self, request: Request) -> Response:
        """Have a URL told of what happens.

        The secret is in this answer only: see the documentation of outgoing webhooks for how
        signatures are checked with it."""
        self.check_parameters()
        wish = _checked(read(NewSubscriptionSerializer, request.data))
        try:
            made, _secret = actions.create_subscription(
                self.member.organization, created_by=self.asked.user.display_name, **wish
            )
        except SubscriptionError as raised:
            raise _refused(raised) from raised
        made.refresh_from_db()
        location = f"/api/v1/subscriptions/{made.pk}"
        return self.made(NewSecretSerializer, made, location=location)


class SubscriptionDetail(_SubscriptionView):
    operations = {
        "GET": Operation(
            "get_subscription", READ, gives=SubscriptionSerializer, example=EXAMPLE
        ),
        "PATCH": Operation(
            "change_subscription", WRITE, gives=SubscriptionSerializer, example=EXAMPLE,
            takes=ChangeSerializer, takes_example={"topics": ["call.final"], "is_enabled": True},
            problems=(409,),
        ),
        "DELETE": Operation("delete_subscription", WRITE, status=204),
    }  # fmt: skip

    def get(self, request: Request, subscription_id: UUID) -> Response:
        """One outgoing webhook."""
        found = access.get_subscription(self.member, subscription_id)
        return self.one(SubscriptionSerializer, found)

    def patch(self, request: Request, subscription_id: UUID) -> Response:
        """Change it, or switch it on or off. What is left out stays."""
        self.check_parameters()
        found = access.get_subscription(self.member, subscription_id)
        given = read(ChangeSerializer, request.data)
        checked = _checked(given, found)
        wanted = {name: checked.get(name, value) for name, value in given.items()}
        try:
            actions.update_subscription(found, self.member.organization, wanted, check=self._check)
        except SubscriptionError as raised:
            raise _refused(raised) from raised
        found.refresh_from_db()
        return self.made(SubscriptionSerializer, found, status=200)

    def _check(self, row: Any) -> None:
        self.check_version(SubscriptionSerializer, row)

    def delete(self, request: Request, subscription_id: UUID) -> HttpResponseBase:
        """Delete it, with the log of what was sent to it."""
        self.check_parameters()
        found = access.get_subscription(self.member, subscription_id)
        self._check(found)
        actions.delete_subscription(found)
        return Response(status=204)


class NewSecret(_SubscriptionView):
    operations = {
        "POST": Operation(
            "new_subscription_secret", WRITE, gives=NewSecretSerializer, example=WITH_SECRET
        )
    }

    @idempotent
    def post(self, request: Request, subscription_id: UUID) -> Response:
        """Make a new secret. The one before signs beside it for a day."""
        self.check_parameters()
        found = access.get_subscription(self.member, subscription_id)
        actions.rotate_secret(found, self.member.organization)
        found.refresh_from_db()
        return self.made(NewSecretSerializer, found, status=200)


class SendTest(_SubscriptionView):
    operations = {
        "POST": Operation(
            "test_subscription", WRITE, gives=SendingSerializer, example=SENDING, status=202
        )
    }

    @idempotent
    def post(self, request: Request, subscription_id: UUID) -> Response:
        """Send a test. Poll the answer's address for what the receiver answered."""
        self.check_parameters()
        found = access.get_subscription(self.member, subscription_id)
        try:
            sending = actions.send_test(found)
        except SubscriptionError as raised:
            raise _refused(raised) from raised
        location = f"/api/v1/subscriptions/{found.pk}/messages/{sending.pk}"
        return self.made(SendingSerializer, sending, status=202, location=location)


class ReplaySince(_SubscriptionView):
    operations = {
        "POST": Operation(
            "replay_subscription", WRITE, gives=ReplayedSerializer, example=REPLAYED, status=202,
            takes=ReplaySerializer, takes_example=REPLAY,
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request, subscription_id: UUID) -> Response:
        """Send again what happened since a time, under the same ids."""
        self.check_parameters()
        found = access.get_subscription(self.member, subscription_id)
        wish = read(ReplaySerializer, request.data)
        if wish["since"] > timezone.now():
            raise invalid_body([error("since", _("Give a time that is over."))])
        try:
            number = actions.replay_since(found, wish["since"], only_failed=wish["which"] == FAILED)
        except SubscriptionError as raised:
            raise _refused(raised) from raised
        return self.made(ReplayedSerializer, {"messages": number}, status=202)


def _with_attempts(rows: Sequence[Any], included: set[str]) -> Sequence[Any]:
    if "attempts" in included:
        prefetch_related_objects(rows, "attempts")
    return rows


class MessageList(_SubscriptionView, ListView):
    operations = {
        "GET": Operation("list_messages", READ, gives=SendingSerializer, many=True, example=SENDING)
    }

    def get(self, request: Request, subscription_id: UUID) -> Response:
        """What was sent to it, or waits, newest first; of the last 30 days."""
        found = access.get_subscription(self.member, subscription_id)
        self.resource = f"messages:{found.pk}"  # cursors of one do not fit another
        rows = Sending.objects.of(found.pk)
        return self.page(rows, SendingSerializer, prepare=_with_attempts)


class MessageDetail(_SubscriptionView):
    operations = {"GET": Operation("get_message", READ, gives=SendingSerializer, example=SENDING)}

    def get(self, request: Request, subscription_id: UUID, sending_id: UUID) -> Response:
        """One message, and with `include=attempts` what the receiver answered."""
        found = access.get_sending(self.member, subscription_id, sending_id)
        return self.one(SendingSerializer, found)


class MessageReplay(_SubscriptionView):
    operations = {
        "POST": Operation(
            "replay_message", WRITE, gives=SendingSerializer, example=SENDING, status=202
        )
    }

    @idempotent
    def post(self, request: Request, subscription_id: UUID, sending_id: UUID) -> Response:
        """Send one message again, under the same id."""
        self.check_parameters()
        found = access.get_sending(self.member, subscription_id, sending_id)
        try:
            actions.replay(found)
        except SubscriptionError as raised:
            raise _refused(raised) from raised
        found.refresh_from_db()
        return self.made(SendingSerializer, found, status=202)
