"""The short way for webhooks: no host look-up, no session, no CSRF, no database before the view."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import Resolver404, resolve

from config.errors import not_found
from tenants.middleware import HostRequest

GetResponse = Callable[[HttpRequest], HttpResponse]

PREFIX = "/webhooks/retell/"
URLCONF = "webhooks.urls_door"
# An answer for a machine: nothing in it may load, run or be framed.
POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


class WebhookPathMiddleware:
    """Answers `/webhooks/retell/…` on any host by itself, so that a tunnel or proxy name works."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HostRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        request.urlconf = URLCONF
        request.organization = None
        try:
            match = resolve(request.path_info, URLCONF)
        except Resolver404:
            return not_found(request)
        request.resolver_match = match
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response.render() if isinstance(response, SimpleTemplateResponse) else response
