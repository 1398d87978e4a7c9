"""The security headers of every answer: pages, errors, redirects, static files, webhooks."""

from __future__ import annotations

from collections.abc import Callable

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.access import host_of

GetResponse = Callable[[HttpRequest], HttpResponse]

HSTS = "Strict-Transport-Security"
PERMISSIONS_POLICY = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


def security_headers() -> dict[str, str]:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if not settings.DEBUG:  # Django's own pages for developers are styled inline
        headers["Content-Security-Policy"] = build_policy()
    return headers


class SecurityHeadersMiddleware:
    """Above everything that answers by itself; what an answer says for itself is kept."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.headers = security_headers()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        if HSTS in response.headers and not _is_ours(host_of(request)):
            # What else lives below a customer's domain is not ours to decide.
            response.headers[HSTS] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response


def _is_ours(host: str) -> bool:
    """Whether a host is the product's own name or lies below it."""
    return host == settings.BASE_DOMAIN or host.endswith(f".{settings.BASE_DOMAIN}")
