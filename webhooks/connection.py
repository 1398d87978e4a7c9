"""What the connection page says: whether events arrive, what stops them, and which keys and URLs
are still needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.connection import keys
from agents.guardian import Finding, findings, is_right, own_urls
from agents.models import API_KEY_FIELD, SIGNING_KEY_FIELD, RetellConnection
from tenants import encryption
from tenants.models import Organization, WebhookEndpoint
from tenants.scope import platform
from webhooks import key_uses, refusals, signature, usage
from webhooks.models import Delivery
from webhooks.signature import Refusal

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DAY, WEEK = timedelta(days=1), timedelta(days=7)


# --- Whether events arrive -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hint:
    """Something to check; `number` of refused deliveries of the last 24 hours say so."""

    text: StrOrPromise
    number: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """`last`: the newest correctly signed delivery. `refused`: causes of the last 24 hours.

    `elsewhere`: what the guardian found of agents whose events do not come here.
    """

    last: Delivery | None
    checked_at: datetime | None
    refused: list[Hint]
    to_check: list[Hint]
    elsewhere: list[Finding]

    @property
    def is_connected(self) -> bool:
        return self.last is not None or self.checked_at is not None


def arrival(organization: Organization, row: RetellConnection) -> Arrival:
    last = Delivery.objects.for_list().first()
    causes = refusals.by_cause(organization.schema_name)
    refused = [
        Hint(str(REFUSED[cause]) % {"ends_in": row.key_last4}, number)
        for cause, number in sorted(causes.items(), key=lambda item: -item[1])
        if cause in REFUSED
    ]
    waits = last is None and row.checked_at is None
    to_check = _to_check(organization, row) if waits else []
    return Arrival(last, row.checked_at, refused, to_check, elsewhere(row))


REFUSED: dict[Refusal, StrOrPromise] = {
    Refusal.NO_KEY: _(
        "that came before a signing key was stored here, so that nothing could be verified. Store"
        " the key with the webhook badge."
    ),
    Refusal.WRONG_KEY: _(
        "signed with another key than the one stored here, which ends in %(ends_in)s. In Retell,"
        " look under API Keys which one has the webhook badge: store that one as signing key here,"
        " or move the badge."
    ),
    Refusal.NO_HEADER: _(
        "without a signature: no key has the webhook badge in Retell, a proxy in between"
        " removes the header X-Retell-Signature, or somebody else sent it."
    ),
    Refusal.MALFORMED_HEADER: _(
        "with a signature that is not Retell's. Somebody else sent it, or a proxy"
        " changed the header X-Retell-Signature."
    ),
    Refusal.EXPIRED_URL: _(
        "sent to an old webhook URL of this organization, which works no more. In Retell, set the"
        " URL above for the account, and for each agent that has one of its own."
    ),
    Refusal.STALE: _(
        "signed more than five minutes before arriving: the clock of this server is ahead,"
        " or a proxy held them back."
    ),
    Refusal.AHEAD: _(
        "signed more than five minutes after arriving: the clock of this server is behind."
    ),
}

NO_SIGNING_KEY = _(
    "No signing key is stored here, so nothing can be verified. Store the key with the webhook"
    " badge, above."
)
UNREADABLE_SIGNING_KEY = _(
    "The signing key stored here cannot be decrypted, so nothing can be verified. Store it again,"
    " above."
)
WRONG_URL = _(
    "Somebody posted to webhook URLs that do not exist here. If it was your Retell, its URL is not"
    " the one above: copy it again, to the last character."
)
NOTHING_CAME = _(
    "Is the URL above set in Retell for the whole account? After saving it there, press Retell's"
    " button to test it, or make a test call."
)
# Only while agents were never synced: afterwards the guardian names them.
AGENTS_ELSEWHERE = _(
    "Has the agent you call a webhook URL of its own? Then its events go there and not here:"
    " empty it in the agent's webhook settings, and publish that version."
)
NO_BADGE = _(
    "Has a key the webhook badge in Retell, under API Keys? It must be the one that ends in"
    " %(ends_in)s."
)
# Findings that can say that an agent's events go elsewhere, by its own URL.
_ELSEWHERE = ("bypass", "url_expired", "unpublished")


def elsewhere(row: RetellConnection) -> list[Finding]:
    """Of agents whose events go past here, as the last sync read them; one finding an agent."""
    if row.agents_synced_at is None:
        return []
    own, now = own_urls(), timezone.now()
    return [
        finding
        for finding in findings()
        if finding.code in _ELSEWHERE
        and finding.agent is not None
        and (facts := finding.agent.live_facts) is not None
        and not is_right(facts, own, now)
    ]


def _to_check(organization: Organization, row: RetellConnection) -> list[Hint]:
    """While nothing arrived at all."""
    if row.key_encrypted is None:
        return [Hint(NO_SIGNING_KEY)]
    usable, unreadable = keys.signing_keys(organization.pk)
    if unreadable and not usable:
        return [Hint(UNREADABLE_SIGNING_KEY)]
    hints = [Hint(NOTHING_CAME), Hint(NO_BADGE % {"ends_in": row.key_last4})]
    if row.agents_synced_at is None:
        hints.append(Hint(AGENTS_ELSEWHERE))
    # Of all organizations together, as nobody knows whose it was: so no number.
    if refusals.by_cause("").get(Refusal.UNKNOWN_TOKEN):
        hints.append(Hint(WRONG_URL))
    return hints


# --- Which keys and URLs are needed --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """How much a key or URL was needed; counts are None where only the last time is known."""

    last_at: datetime | None = None
    in_day: int | None = None
    in_week: int | None = None


@dataclass(frozen=True, slots=True)
class Current:
    """The key or URL that is to be used."""

    label: str
    since: datetime | None
    use: Use
    url: str = ""


@dataclass(frozen=True, slots=True)
class Old:
    """The one before it, and whether it can go."""

    label: str
    works_until: datetime | None
    use: Use
    is_safe: bool
    id: Any = None
    # Then it goes on being needed, for asking Retell.
    is_api_key: bool = False

    @property
    def works(self) -> bool:
        return self.works_until is None or timezone.now() < self.works_until


def is_quiet(
    old: Use, new: Use, *, exchanged_at: datetime | None, known_since: datetime | None = None
) -> bool:
    """Whether only the new one was needed for `RETELL_KEY_QUIET_HOURS`, and it was.

    `known_since`: from when on uses were noted; earlier ones are not known.
    """
    moments = [moment for moment in (old.last_at, exchanged_at, known_since) if moment]
    needed_until = max(moments, default=None)
    if needed_until is None or new.last_at is None or new.last_at <= needed_until:
        return False
    return timezone.now() - needed_until >= timedelta(hours=settings.RETELL_KEY_QUIET_HOURS)


def signing_keys(
    organization: Organization, row: RetellConnection
) -> tuple[Current | None, Old | None]:
    """The key that signs, and the one that did before it."""
    if row.key_encrypted is None:
        return None, None
    uses = _uses_by_key()
    use_of = _finder(organization, uses)
    new = use_of(row.key_encrypted)
    current = Current(row.key_last4, row.key_set_at or row.connected_at, new)
    if row.previous_key_encrypted is None:
        return current, None
    old = use_of(row.previous_key_encrypted)
    safe = not row.previous_key_is_valid() or is_quiet(old, new, exchanged_at=row.key_set_at)
    return current, Old(
        row.previous_key_last4,
        row.previous_key_expires_at,
        old,
        safe,
        is_api_key=_is_api_key(organization, row),
    )


def _is_api_key(organization: Organization, row: RetellConnection) -> bool:
    """Whether the old signing key is the API key as well."""
    asks = keys.unsealed(row.api_key_encrypted, organization.pk, API_KEY_FIELD)
    signed = keys.unsealed(row.previous_key_encrypted, organization.pk, SIGNING_KEY_FIELD)
    return asks is not None and asks == signed


def _finder(
    organization: Organization, uses: dict[int, Use]
) -> Callable[[bytes | memoryview], Use]:
    def use_of(sealed: bytes | memoryview) -> Use:
        key = keys.unsealed(sealed, organization.pk, SIGNING_KEY_FIELD)
        return uses.get(signature.key_id(key), Use(None, 0, 0)) if key else Use()

    return use_of


def _uses_by_key() -> dict[int, Use]:
    """What each key verified in the last week, or for as long as an old key has to be quiet. A day
    and a week begin with a whole hour."""
    now = timezone.now()
    quiet = timedelta(hours=settings.RETELL_KEY_QUIET_HOURS)
    found: dict[int, Use] = {}
    for hour, uses in key_uses.by_hour(now - max(WEEK, quiet)).items():
        age = now - (hour + key_uses.HOUR)
        for key, (number, last_at) in uses.items():
            before = found.get(key, Use(last_at, 0, 0))
            found[key] = Use(
                max(before.last_at or last_at, last_at),
                (before.in_day or 0) + number * (age < DAY),
                (before.in_week or 0) + number * (age < WEEK),
            )
    return found


def webhook_urls(organization: Organization) -> tuple[Current, list[Old]]:
    """The URL to set in Retell, and those before it that still work."""
    with platform():
        endpoints = list(WebhookEndpoint.objects.valid().filter(organization=organization))
    known = usage.of(organization.schema_name)
    newest = next(endpoint for endpoint in endpoints if endpoint.expires_at is None)
    new = Use(known.last_used.get(newest.pk))
    token = _token(newest)
    current = Current(token[-4:], newest.created_at, new, newest.url if token else "")
    return current, [
        _old_url(endpoint, newest, new, known) for endpoint in endpoints if endpoint is not newest
    ]


def _old_url(
    endpoint: WebhookEndpoint, newest: WebhookEndpoint, new: Use, known: usage.Usage
) -> Old:
    old = Use(known.last_used.get(endpoint.pk))
    safe = known.since is not None and is_quiet(
        old, new, exchanged_at=newest.created_at, known_since=known.since
    )
    return Old(_token(endpoint)[-4:], endpoint.expires_at, old, safe, endpoint.pk)


def _token(endpoint: WebhookEndpoint) -> str:
    """Empty when it cannot be decrypted any more; it still works, but nobody can copy it."""
    try:
        return endpoint.token
    except encryption.DecryptionError:
        return ""
