"""Requests with what our middleware puts on them, for type checking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from django_otp.models import Device

    from accounts.models import Membership, User
    from tenants.models import Organization


class VisitorRequest(HttpRequest):
    """A request behind the host and membership middleware; who it is may be unknown."""

    organization: Organization | None
    membership: Membership | None
    request_id: str
    htmx: HtmxDetails


class MemberRequest(VisitorRequest):
    """A member's request to the pages of their organization."""

    organization: Organization
    membership: Membership
    user: User


class OperatorRequest(VisitorRequest):
    """A verified super admin's request on the operator host."""

    organization: None
    membership: None
    user: User
    otp_device: Device
