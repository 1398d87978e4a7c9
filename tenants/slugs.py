"""Slugs: the label an organization is reached under, `acme` in `acme.switchboard.example.com`."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

SLUG_MAX_LENGTH = 40
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

# Names a person could mistake for the operator's own, or that mail and certificates give a meaning.
RESERVED_SLUGS = frozenset(
    [
        "admin",
        "administrator",
        "api",
        "app",
        "assets",
        "autoconfig",
        "autodiscover",
        "auth",
        "billing",
        "blog",
        "cdn",
        "dev",
        "docs",
        "email",
        "ftp",
        "help",
        "hostmaster",
        "imap",
        "internal",
        "invite",
        "live",
        "localhost",
        "login",
        "mail",
        "media",
        "metrics",
        "mx",
        "ns",
        "ns1",
        "ns2",
        "operator",
        "platform",
        "pop",
        "postmaster",
        "public",
        "root",
        "security",
        "sign-in",
        "signin",
        "smtp",
        "sso",
        "staging",
        "static",
        "status",
        "support",
        "switchboard",
        "system",
        "test",
        "webhook",
        "webhooks",
        "webmaster",
        "www",
    ]
)


def validate_slug(slug: str) -> None:
    """Raise `ValidationError` with the reason when `slug` cannot name an organization."""
    if not slug:
        raise ValidationError("The slug is empty. Choose 2 to 40 letters, digits or hyphens.")
    if len(slug) < 2 or len(slug) > SLUG_MAX_LENGTH:
        raise ValidationError(
            f"The slug “{slug[:60]}” has {len(slug)} characters; choose 2 to {SLUG_MAX_LENGTH}."
        )
    if not _SLUG.fullmatch(slug):
        raise ValidationError(
            f"The slug “{slug}” is part of a host name: use a–z, 0–9 and hyphens, no hyphen at"
            " the start or end."
        )
    if slug.startswith("xn--") or slug[2:4] == "--":
        raise ValidationError(
            f"The slug “{slug}” has “--” at its third place, which internationalized host names"
            " use. Choose another."
        )
    if slug in RESERVED_SLUGS:
        raise ValidationError(f"The slug “{slug}” is reserved. Choose another.")
    if slug.isdigit():
        raise ValidationError(f"The slug “{slug}” is only digits. Add a letter.")
