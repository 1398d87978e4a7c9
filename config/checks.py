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


@register("mail", deploy=True)
def mail_is_configured(**_: Any) -> list[CheckMessage]:
    return [] if settings.MAIL_IS_CONFIGURED else [NO_MAIL]
