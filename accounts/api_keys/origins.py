"""Which pages of other origins may ask the API: a list of each organization's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import AccessPolicy
from audit.actions import record
from audit.vocabulary import Action
from tenants.models import Organization
from tenants.scope import door

MOST_ORIGINS = 20
CHANGED = Action("accounts.api_origins_changed", "changed which pages may use the API")
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


def save_origins(organization: Organization, origins: Sequence[str]) -> bool:
    """Whether anything changed."""
    with door(), transaction.atomic():
        AccessPolicy.objects.get_or_create(organization=organization)
        policy = AccessPolicy.objects.select_for_update().get(organization=organization)
        before = policy.api_origins
        if before == list(origins):
            return False
        policy.api_origins = list(origins)
        policy.save(update_fields=["api_origins"])
        changes = {"origins": [", ".join(before), ", ".join(origins)]}
        record(CHANGED, changes=changes, organization=organization)
    return True
