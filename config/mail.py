"""Mail to one person, from a template, sent now.

Only jobs send (`tasks.py`), never a request: a slow mail server would hold a page up, and the time
of an answer would tell whether an address has an account. A job's arguments stay in the database
and in logs, so a job takes ids only, and makes the link with its token itself, when it runs:

    @app.task(name="accounts.send_invitation", retry=MAIL_RETRY)
    def send_invitation(invitation_id: str) -> None:
        ...
        mail.send("invitation", to=invitation.email, context={"link": link, ...})

`templates/mail/<name>.txt` begins with the line `Subject: …`; `<name>.html` extends
`mail/base.html`. What is sent is never logged, nor to whom.
"""

from __future__ import annotations

import logging
import re
import smtplib
import unicodedata
from collections.abc import Mapping
from email.utils import make_msgid
from typing import Any, Literal

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.template import Context, Engine
from django.utils import translation
from procrastinate import RetryStrategy

logger = logging.getLogger(__name__)

Template = Literal["invitation", "notice"]

# After 5 s, 25 s, 2 min, 10 min, 52 min and 4 h 20 min; then the job stays failed.
MAIL_RETRY = RetryStrategy(max_attempts=6, exponential_wait=5)

SUBJECT = "Subject: "
_LINE_BREAKS = {"Cc", "Zl", "Zp"}
_STATUS_CODE = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")


class MailNotSent(Exception):
    """The mail server did not take a mail, or there is none; the job tries again."""


def send(
    template: Template, *, to: str, context: Mapping[str, Any], language: str = "en-us"
) -> None:
    """Send `template` to one address. Raises `MailNotSent` when it could not be handed over, and
    `ValueError` when a value would break the line of a header."""
    if not settings.MAIL_IS_CONFIGURED:
        raise MailNotSent(
            "EMAIL_URL is not set; the mail was not sent and its job tries again for five hours:"
            " set EMAIL_URL and start the worker again."
        )
    message = _compose(template, to, context, language)
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        # `from None`: a server may quote the mail, with its link, in what it answers.
        raise MailNotSent(
            f"The mail server did not take a mail ({_reason(error)}); its job tries again."
        ) from None
    logger.info("mail sent", extra={"template": template})


def _compose(
    template: Template, to: str, context: Mapping[str, Any], language: str
) -> EmailMultiAlternatives:
    values = {**context, "language": language, "installation": settings.BASE_DOMAIN}
    with translation.override(language):
        subject, text = _subject_and_text(template, values)
        html = _render(f"mail/{template}.html", values | {"subject": subject})
    headers = {
        "Message-ID": make_msgid(domain=settings.BASE_DOMAIN),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office note comes back
    }
    message = EmailMultiAlternatives(subject, text, to=[to], headers=headers)
    message.attach_alternative(html, "text/html")
    return message


def _subject_and_text(template: Template, values: Mapping[str, Any]) -> tuple[str, str]:
    """Rendered apart: no value can end the subject, or put lines before the text."""
    source = str(Engine.get_default().get_template(f"mail/{template}.txt").source)
    first, _, rest = source.partition("\n")
    if not first.startswith(SUBJECT):
        raise ValueError(f"templates/mail/{template}.txt must begin with {SUBJECT!r}.")
    subject = _render_plain(first.removeprefix(SUBJECT), values).strip()
    if any(unicodedata.category(character) in _LINE_BREAKS for character in subject):
        raise BadHeaderError(f"A value of the mail {template!r} breaks the line of its subject.")
    text = _render_plain(rest, values).strip()
    # Conditions leave empty lines behind.
    return subject, re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _render(name: str, values: Mapping[str, Any]) -> str:
    return Engine.get_default().get_template(name).render(Context(dict(values)))


def _render_plain(source: str, values: Mapping[str, Any]) -> str:
    template = Engine.get_default().from_string(source)
    return template.render(Context(dict(values), autoescape=False))


def _reason(error: Exception) -> str:
    """The kind of error and the server's codes, such as "SMTPDataError 550 5.7.1"."""
    code, answer = getattr(error, "smtp_code", ""), getattr(error, "smtp_error", b"")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()), ("", b""))
    found = _STATUS_CODE.search(answer) if isinstance(answer, bytes) else None
    words = (type(error).__name__, str(code), found[0].decode() if found else "")
    return " ".join(word for word in words if word)
