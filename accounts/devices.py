"""What somebody's browser is called in lists and mails."""

from __future__ import annotations

from django.http import HttpRequest

LABEL_MAX_LENGTH = 120


def label_of(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "").replace("\x00", "")[:LABEL_MAX_LENGTH]
