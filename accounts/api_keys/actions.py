"""Making, exchanging and ending API keys. Of an organization, or (None) of the operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.api_keys.secrets import HINT_LENGTH, new_key
from accounts.exceptions import AccountError
from accounts.models import AccessPolicy, ApiKey
from accounts.scopes import OF_OPERATOR, OF_ORGANIZATIONS, Scope
from audit.actions import record
from audit.vocabulary import Action, Kind
from tenants.models import Organization, hash_token
from tenants.scope import door

MOST_KEYS = 50
TOUCH_EVERY = timedelta(minutes=1)

MADE = Action("accounts.api_key_made", "made the {object} for {scopes}", Kind.CREATE)
ROTATED = Action(
    "accounts.api_key_rotated",
    "exchanged the {object}; the old one ends on {ends}",
    Kind.CREATE,
)
REVOKED = Action("accounts.api_key_revoked", "revoked the {object}", Kind.DELETE)
ORIGINS_CHANGED = Action("accounts.api_origins_changed", "changed which pages may use the API")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its text, which is shown now and never again."""

    row: ApiKey
    text: str


def make_key(
    organization: Organization | None,
    *,
    name: str,
    scopes: Iterable[Scope],
    created_by: str,
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> NewKey:
    """Raises `AccountError` for scopes that are not of this host, and when there are too many."""
    wanted = frozenset(scopes)
    if not wanted or not wanted <= (OF_ORGANIZATIONS if organization else OF_OPERATOR):
        raise AccountError(_("Choose what the key may do. Nothing was made."))
    with door(), transaction.atomic():
        if ApiKey.objects.filter(organization=organization, revoked_at=None).count() >= MOST_KEYS:
            raise AccountError(
                _("There are %(most)s keys already. Revoke one first.") % {"most": MOST_KEYS}
            )
        made = _insert(
            ApiKey(
                organization=organization, name=name, scopes=sorted(wanted),
                networks=list(networks), created_by=created_by, expires_at=expires_at,
            )
        )  # fmt: skip
        record(
            MADE, made.row, details={"scopes": ", ".join(sorted(wanted))}, organization=organization
        )
    return made


def rotate_key(key: ApiKey, *, overlap: timedelta, created_by: str) -> NewKey:
    """A new key that may do the same; the old one works on for `overlap`, or until it would have
    ended. Raises `AccountError` for one that ended."""
    with door(), transaction.atomic():
        old = _lock(key)
        now = timezone.now()
        ends_at = now + overlap
        if old.expires_at is not None:
            ends_at = min(ends_at, old.expires_at)
        made = _insert(
            ApiKey(
                organization=old.organization, name=old.name, scopes=old.scopes,
                networks=old.networks, created_by=created_by, expires_at=_same_term(old, now),
            )
        )  # fmt: skip
        old.expires_at = ends_at
        old.save(update_fields=["expires_at"])
        details = {"ends": f"{ends_at:%Y-%m-%d %H:%M} UTC"}
        record(ROTATED, old, details=details, organization=old.organization)
    return made


def _same_term(old: ApiKey, now: datetime) -> datetime | None:
    """As long from now as the old one was made for."""
    return now + (old.expires_at - old.created_at) if old.expires_at else None


def revoke_key(key: ApiKey) -> None:
    """It opens nothing from the next request. Raises `AccountError` for one that ended."""
    with door(), transaction.atomic():
        row = _lock(key)
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record(REVOKED, row, organization=row.organization)


def touch(key: ApiKey, address: str) -> None:
    """Note that it was used; at most once a minute."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < TOUCH_EVERY:
        return
    with door():
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_address=address)


def save_origins(organization: Organization, origins: Sequence[str]) -> bool:
    """The pages of other origins that may ask this organization's API; whether any changed."""
    with door(), transaction.atomic():
        AccessPolicy.objects.get_or_create(organization=organization)
        policy = AccessPolicy.objects.select_for_update().get(organization=organization)
        before = policy.api_origins
        if before == list(origins):
            return False
        policy.api_origins = list(origins)
        policy.save(update_fields=["api_origins"])
        changes = {"origins": [", ".join(before), ", ".join(origins)]}
        record(ORIGINS_CHANGED, changes=changes, organization=organization)
    return True


def _insert(row: ApiKey) -> NewKey:
    text = new_key()
    row.key_sha256, row.hint = hash_token(text), text[:HINT_LENGTH]
    row.save(force_insert=True)
    return NewKey(row, text)


def _lock(key: ApiKey) -> ApiKey:
    row = ApiKey.objects.select_for_update(of=("self",)).select_related("organization")
    found = row.get(pk=key.pk)
    if not found.is_usable:
        raise AccountError(_("This key ended already. Nothing was changed."))
    return found
