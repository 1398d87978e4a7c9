"""Sessions for browsers, without the pages of signing in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.test import Client

from accounts.models import User
from tenants.models import Organization
from testing.browser import Visitor
from testing.fixtures import start_session


def bring_session(visitor: Visitor, user: User, organization: Organization | None) -> None:
    """As signed in a moment ago, second factor and all."""
    client = Client()
    start_session(client, user, organization)
    name = settings.SESSION_COOKIE_NAME
    url = visitor.servers.url(organization.slug if organization else "", "/")
    cookie: Any = {"name": name, "value": client.cookies[name].value, "url": url}
    visitor.page.context.add_cookies([cookie])
