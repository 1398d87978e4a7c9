"""Who is a member: list, invite, change the role, remove."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people
from accounts.actions import invitations, members
from accounts.exceptions import AccountError
from accounts.http import MemberRequest
from accounts.models import Invitation, Membership, Role
from accounts.people_forms import PeopleFilterForm
from accounts.scopes import Scope
from config.api.idempotency import idempotent
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import conflict
from config.api.serializers import Body, Resource, read
from config.api.views import ApiView
from tenants.scope import door

EXAMPLE = {
    "id": "0193e000-0b1a-7c55-8a7e-6d9a3a1f0c11",
    "email": "alice@example.com",
    "name": "Alice",
    "role": "org_admin",
    "joined_at": "2026-09-01T08:00:00-04:00",
    "last_seen_at": "2026-11-12T09:00:00-05:00",
}
INVITATION = {
    "id": "0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e",
    "email": "dora@example.com",
    "role": "org_viewer",
    "expires_at": "2026-11-19T09:20:00-05:00",
}


class PersonSerializer(Resource):
    id = serializers.UUIDField(source="user.pk")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name", allow_blank=True)
    role = serializers.ChoiceField(Role.values)
    joined_at = serializers.DateTimeField(source="created_at")
    last_seen_at = serializers.DateTimeField(allow_null=True)

    @classmethod
    def version_of(cls, row: Membership) -> str:
        """Without the last visit: that is no change."""
        return super().version_of(_without_visit(row))


def _without_visit(row: Membership) -> Membership:
    return Membership(user=row.user, role=row.role, created_at=row.created_at)


class RoleSerializer(Body):
    role = serializers.ChoiceField(Role.values)


class InviteSerializer(RoleSerializer):
    email = serializers.EmailField(max_length=254)


class InvitationSerializer(Resource):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.values)
    expires_at = serializers.DateTimeField()


class PersonList(ListView):
    tag = "users"
    resource = "users"
    keys = ("user_id",)
    filter_form = PeopleFilterForm
    operations = {
        "GET": Operation(
            "list_users", Scope.USERS_READ, gives=PersonSerializer, many=True, example=EXAMPLE
        )
    }

    def get(self, request: Request) -> Response:
        """Members, the newest account first."""
        form = PeopleFilterForm(self.asked.GET)
        self.check_filters(form)
        organization = cast(MemberRequest, self.asked).organization
        with door():
            return self.page(people.members_of(organization, form), PersonSerializer, form=form)


class PersonDetail(ApiView):
    tag = "users"
    operations = {
        "GET": Operation("get_user", Scope.USERS_READ, gives=PersonSerializer, example=EXAMPLE),
        "PATCH": Operation(
            "change_role", Scope.USERS_WRITE, gives=PersonSerializer, example=EXAMPLE,
            takes=RoleSerializer, takes_example={"role": "org_viewer"}, problems=(409,),
        ),
        "DELETE": Operation("remove_user", Scope.USERS_WRITE, status=204),
    }  # fmt: skip

    def _member(self, user_id: UUID) -> Membership:
        return people.get_member(cast(MemberRequest, self.asked).organization, user_id)

    def get(self, request: Request, user_id: UUID) -> Response:
        """One member."""
        return self.one(PersonSerializer, self._member(user_id))

    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change somebody's role, from their next request."""
        self.check_parameters()
        role = Role(read(RoleSerializer, request.data)["role"])
        try:
            members.change_role(self._member(user_id), role=role, check=self._check)
        except AccountError as refused:
            raise conflict("last-admin", str(refused)) from refused
        return self.made(PersonSerializer, self._member(user_id), status=200)

    def _check(self, member: Any) -> None:
        self.check_version(PersonSerializer, member)

    def delete(self, request: Request, user_id: UUID) -> HttpResponseBase:
        """Remove somebody; their sessions and tokens here end now."""
        self.check_parameters()
        try:
            member = self._member(user_id)
            self._check(member)
            members.remove_member(member)
        except AccountError as refused:
            raise conflict("last-admin", str(refused)) from refused
        return Response(status=204)


class InvitationList(ApiView):
    tag = "users"
    operations = {
        "POST": Operation(
            "invite_user", Scope.USERS_WRITE, gives=InvitationSerializer, example=INVITATION,
            takes=InviteSerializer, status=201,
            takes_example={"email": "dora@example.com", "role": "org_viewer"},
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request) -> Response:
        """Ask somebody in, by mail. Replaces an earlier invitation of theirs."""
        self.check_parameters()
        wish = read(InviteSerializer, request.data)
        try:
            invitation: Invitation = invitations.invite(
                cast(MemberRequest, self.asked).organization,
                email=wish["email"],
                role=Role(wish["role"]),
                invited_by=self.asked.user.display_name,
            )
        except AccountError as refused:
            raise conflict("already-member", str(refused), field="email") from refused
        return self.made(InvitationSerializer, invitation)
