"""Finds the organization a request is for. Unknown and unreachable hosts look the same: 404."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from tenants.models import Organization
from tenants.scope import door


def host_of(request: HttpRequest) -> str:
    """Host name in lower case without port; empty when the header is malformed."""
    host: str = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")
    return split_domain_port(host.strip())[0]


def is_operator_host(host: str) -> bool:
    return host in settings.OPERATOR_HOSTS


def organization_for_host(host: str) -> Organization | None:
    """The organization whose pages `host` shows, or None."""
    slug, _, parent = host.partition(".")
    query = Organization.objects.active()
    if parent == settings.BASE_DOMAIN:
        query = query.filter(slug=slug)
    else:
        query = query.filter(domains__domain=host, domains__verified_at__isnull=False)
    with door():
        return query.first()
