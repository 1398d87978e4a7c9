"""What `manage.py check --deploy` says of an installation, besides Django's own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

NO_MAIL = Warning(
    "EMAIL_URL is not set, so no mail can be sent: invitations and notices stay behind as failed"
    " jobs.",
    hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com.",
    id="switchboard.W001",
)
NO_PROXIES = Warning(
    "TRUSTED_PROXIES is not set, so a proxy that ends TLS is not believed when it says that a"
    " request came by https: every page redirects to itself forever.",
    hint="Set TRUSTED_PROXIES to the addresses or networks of your proxies, such as 10.0.0.0/24.",
    id="switchboard.W002",
)


@register("mail", deploy=True)
def mail_is_configured(**_: Any) -> list[CheckMessage]:
    return [] if settings.MAIL_IS_CONFIGURED else [NO_MAIL]


@register("proxies", deploy=True)
def proxies_are_trusted(**_: Any) -> list[CheckMessage]:
    """`web` says the same when it starts: who sees the redirects rarely runs checks."""
    redirects = settings.SECURE_SSL_REDIRECT and not settings.TRUSTED_PROXIES
    return [NO_PROXIES] if redirects else []
