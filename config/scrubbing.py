"""Takes out of a text what must not stand in a log or leave the house.

The last of three nets: records are written without personal data to begin with, errors are told
without the values they quote (config/logs.py), and what still looks like a secret is cut here.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote, urlsplit

from django.conf import settings

CUT = "***"

# A value behind a name that says what it is: `password="…"`, `'from_number': '…'`, `Cookie: …`.
_NAMED = (
    r"([\w-]*(?:password|passwd|secret|token|api_?key|authorization|signature|cookie|csrf"
    r"|session|transcript|phone|_number)[\w-]*[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;}]+)"
)
# Each with what is left of it.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), rest)
    for pattern, flags, rest in (
        # Paths of which one part is a secret: links in mails, webhook URLs.
        (
            r"(/(?:invitations|enter|email-change|webhooks/retell|reset/[^/\s]+)/)[^/\s\"']+",
            0,
            rf"\1{CUT}",
        ),
        (r"(://)[^/@\s\"']*@", 0, rf"\1{CUT}@"),
        (r"(\b[\w.:/-]*/[\w./-]*)\?[^\s\"'>]+", 0, rf"\1?{CUT}"),
        (r"\b(bearer|basic|digest)\s+[^\s\"',]+", re.IGNORECASE, rf"\1 {CUT}"),
        (r"\bv=\d+,\s*d=[0-9a-f]+", re.IGNORECASE, CUT),
        (
            _NAMED,
            re.IGNORECASE,
            rf"\1{CUT}",
        ),
        (r"\b(?:key|sk|pk|swb|whsec|tok)_[\w-]{6,}", 0, CUT),
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", 0, CUT),
        # Telephone numbers, however they are written.
        (r"\+\d[\d\s().-]{5,}\d", 0, CUT),
        (r"\(?\b\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}\b", 0, CUT),
        (r"(?<![\w-])\d{9,15}(?![\w-])", 0, CUT),
        # Long random words; ids of ours are kept.
        (
            r"(?<![\w-])(?![0-9a-f]{8}-[0-9a-f]{4}-)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{28,}=*",
            0,
            CUT,
        ),
    )
)
_SHORTEST = 6


@cache
def _own_secrets() -> tuple[str, ...]:
    """The installation's own, which could stand in the message of any library."""
    urls = [settings.REDIS_URL, settings.SENTRY_DSN]
    passwords = [unquote(urlsplit(url).password or "") for url in urls]
    passwords += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    keys = [entry.partition(":")[2] for entry in settings.ENCRYPTION_KEYS.split(",")]
    named = [
        settings.SECRET_KEY, settings.BACKUP_KEY, settings.EMAIL_HOST_PASSWORD,
        settings.METRICS_TOKEN,
    ]  # fmt: skip
    return tuple({text for text in (*passwords, *keys, *named) if len(text) >= _SHORTEST})


def clean(text: str) -> str:
    """The text without what looks like a secret or somebody's number or address."""
    for secret in _own_secrets():
        text = text.replace(secret, CUT)
    for pattern, rest in _PATTERNS:
        text = pattern.sub(rest, text)
    return text
