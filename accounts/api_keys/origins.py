"""Which pages of other origins may ask the API: how an origin is written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

MOST_ORIGINS = 20
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")


def clean_origin(text: str) -> str:
    """An origin as browsers send it. Raises `ValueError` with a sentence for people."""
    origin = text.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(_("“%(text)s” is no origin, such as https://crm.example.com.") % {
            "text": text[:100]
        })  # fmt: skip
    if settings.PRODUCTION and urlsplit(origin).scheme != "https":
        raise ValueError(_("“%(text)s” is not https: anybody on the way could read along.") % {
            "text": text[:100]
        })  # fmt: skip
    return origin
