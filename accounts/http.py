"""Requests with what our middleware puts on them, for type checking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from django_otp.models import Device

    from accounts.access import Standing
    from accounts.models import ApiKey, User
    from tenants.models import Organization


class VisitorRequest(HttpRequest):
    """A request behind the host and standing middleware; who it is may be unknown."""

    organization: Organization | None
    standing: Standing
    # Set by the sign-in of this very request.
    signed_in_now: User
    request_id: str
    htmx: HtmxDetails


class MemberRequest(VisitorRequest):
    """A request of somebody who may read this organization's pages: a member, or a super admin
    who acts inside."""

    organization: Organization
    user: User


class OperatorRequest(VisitorRequest):
    """A verified super admin's request on the operator host."""

    organization: None
    user: User
    otp_device: Device


class ApiRequest(VisitorRequest):
    """A request to the API, once it is known who makes it: a person's program, or a key."""

    user: User | ApiKey  # type: ignore[assignment]  # Django's stubs know people only


class Caller(Protocol):
    """In whose name something is started or written: a person, or an API key."""

    @property
    def pk(self) -> Any: ...

    @property
    def display_name(self) -> str: ...

    @property
    def audit_label(self) -> str: ...
