"""Decides from the host whose request this is, and pins it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import set_urlconf
from django.utils import timezone

from config import currencies, zones
from config.errors import not_found
from tenants import access
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

GetResponse = Callable[[HttpRequest], HttpResponse]


class HostRequest(HttpRequest):
    """What this middleware puts on a request."""

    organization: Organization | None
    tenant: Organization
    urlconf: str


class HostMiddleware:
    """Sets `request.organization` (None on the operator host), URLs, schema, role and pin."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HostRequest) -> HttpResponse:
        host = access.host_of(request)
        if access.is_operator_host(host):
            return self._as_operator(request)
        organization = access.organization_for_host(host)
        if organization is None:
            request.organization = None
            return not_found(request)
        request.organization = request.tenant = organization
        set_urlconf(settings.ROOT_URLCONF)
        with (
            organization_context(organization),
            timezone.override(organization.zone),
            zones.of_organization(organization.zone),
            currencies.shown_in(organization.shown_rate),
        ):
            return self.get_response(request)

    def _as_operator(self, request: HostRequest) -> HttpResponse:
        request.organization = None
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        set_urlconf(settings.PUBLIC_SCHEMA_URLCONF)
        with platform():
            return self.get_response(request)
