"""`/dev/mailbox/`: the mail of a development machine, for whoever sits at it.

No sign-in, because a newcomer reads their invitation here; so not in production's URLs, and 404
for everybody who is not on this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

SHOWN = 200
SEPARATOR = b"\n" + b"-" * 79 + b"\n"  # Django's file backend ends every mail with it
HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")
# The HTML part works as in a mail program: its styles count, nothing is loaded, nothing runs.
PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True)
class Mail:
    name: str
    message: EmailMessage

    @property
    def to(self) -> str:
        return str(self.message["To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def sent_at(self) -> datetime | None:
        date = self.message["Date"]
        when: datetime | None = date.datetime if date else None
        # Django writes "-0000": UTC, as RFC 5322 has it, and naive, as Python reads it.
        return when.replace(tzinfo=UTC) if when and when.tzinfo is None else when

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(self.message[name])) for name in HEADERS if name in self.message]

    def part(self, kind: str) -> str:
        """The text of the part "plain" or "html", empty without one."""
        body = self.message.get_body((kind,))
        return str(body.get_content()) if body else ""


def _read(file: Path) -> Iterator[Mail]:
    """A file holds several mails when one process sent them within a second."""
    for number, data in enumerate(file.read_bytes().split(SEPARATOR)):
        if data.strip():
            message = message_from_bytes(data, EmailMessage, policy=policy.default)
            yield Mail(f"{file.stem}-{number}", message)


def newest_mails() -> list[Mail]:
    files = Path(settings.EMAIL_FILE_PATH).glob("*.log")
    newest = sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True)[:SHOWN]
    return [mail for file in newest for mail in reversed(list(_read(file)))]


def _find(name: str) -> Mail:
    for mail in newest_mails():
        if mail.name == name:
            return mail
    raise Http404


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_on_this_machine(request: HttpRequest) -> bool:
    """Also nobody behind a tunnel that ends here: those say for whom they ask."""
    forwarded = request.headers.get("X-Forwarded-For")
    hops = forwarded.split(",") if forwarded is not None else []
    peers = [request.META.get("REMOTE_ADDR", ""), *hops]
    return all(map(_is_loopback, peers)) and "Forwarded" not in request.headers


def on_this_machine(view: View[P]) -> View[P]:
    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not _is_on_this_machine(request):
            raise Http404
        return view(request, *args, **kwargs)

    return wrapper


@on_this_machine
@require_GET
def mail_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dev/mailbox.html", {"mails": newest_mails()})


@on_this_machine
@require_GET
@csp_update({"frame-src": ["'self'"]})  # type: ignore[arg-type]  # knows of no arguments
def mail_detail(request: HttpRequest, name: str) -> HttpResponse:
    mail = _find(name)
    context = {"mail": mail, "text": mail.part("plain"), "has_html": bool(mail.part("html"))}
    return render(request, "dev/mail.html", context)


@on_this_machine
@require_GET
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    response = HttpResponse(_find(name).part("html"))
    response.headers["Content-Security-Policy"] = PART_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


app_name = "mailbox"
urlpatterns = [
    path("", mail_list, name="list"),
    path("<str:name>/", mail_detail, name="detail"),
    path("<str:name>/html/", mail_html, name="html"),
]
