"""What can go wrong between us and Retell, in one sentence for people. Never holds the key."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    KEY_REFUSED = "key_refused"  # 401, and 403: see `status`
    NOT_FOUND = "not_found"
    PAYMENT = "payment"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"  # 5xx, timeouts, no connection
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    KEY_UNREADABLE = "key_unreadable"  # ours cannot be decrypted, so nothing was asked


PERMANENT = frozenset(
    {
        Kind.KEY_REFUSED, Kind.NOT_FOUND, Kind.PAYMENT, Kind.INVALID, Kind.TOO_LARGE,
        Kind.KEY_UNREADABLE,
    }
)  # fmt: skip
_KINDS = {
    401: Kind.KEY_REFUSED,
    402: Kind.PAYMENT,
    403: Kind.KEY_REFUSED,
    404: Kind.NOT_FOUND,
    408: Kind.UNAVAILABLE,
    429: Kind.RATE_LIMITED,
}
DETAIL_MAX_LENGTH = 200

FORBIDDEN = (
    "Retell knows this API key but does not allow it to do this. Nothing was changed. In Retell,"
    " under API Keys, give it Read for Agent, History and Phone, and Edit for Agent if webhooks"
    " are to be set from here."
)
NO_KEY = (
    "This cannot be an API key: it is empty, or holds spaces or characters that no key has."
    " Nothing was sent. Copy the key again from Retell's page API Keys."
)
REDIRECTED = (
    "Retell's address answered with a redirect, which is not followed. Everything stored here is"
    " kept. Check RETELL_BASE_URL, and whether a proxy stands in between."
)
OUTCOME_UNKNOWN = (
    "Retell did not answer, so whether it made the change is not known. Everything stored here is"
    " kept. Look at the agent in Retell, or sync it, before trying again."
)
SENTENCES = {
    Kind.KEY_REFUSED: (
        "Retell does not accept this API key. Everything stored here is kept. Copy the key again"
        " from Retell's page API Keys, or make a new one, and save it here."
    ),
    Kind.NOT_FOUND: (
        "Retell does not have this, or no longer: it was deleted there, or belongs to another"
        " workspace. Everything stored here is kept. If it should be there, check which workspace"
        " the API key belongs to."
    ),
    Kind.PAYMENT: (
        "Retell refuses requests of this workspace until it is paid for. Everything stored here is"
        " kept. Settle it in Retell under Billing, then try again."
    ),
    Kind.INVALID: (
        "Retell did not accept the request. Nothing was changed, there or here. Try again; if it"
        " happens again, Retell's API may have changed and this product needs an update."
    ),
    Kind.RATE_LIMITED: (
        "This workspace sends Retell more requests than it may. Everything stored here is kept."
        " Try again in {wait}; other tools with keys of the same workspace count, too."
    ),
    Kind.UNAVAILABLE: (
        "Retell did not answer. Everything stored here is kept. Try again in a few minutes; if it"
        " lasts, look whether Retell reports an outage."
    ),
    Kind.UNREADABLE: (
        "Retell's answer could not be read. Everything stored here is kept. Try again; if it"
        " happens again, Retell's API may have changed and this product needs an update."
    ),
    Kind.KEY_UNREADABLE: (
        "The stored Retell API key cannot be decrypted, so Retell was not asked. Everything stored"
        " here is kept. Store the key again under Settings, Retell, or have the operator put back"
        " the key that left ENCRYPTION_KEYS."
    ),
    Kind.TOO_LARGE: (
        "Retell's answer was larger than is taken. Everything stored here is kept. Ask for less,"
        " such as a shorter range."
    ),
}


class RetellApiError(Exception):
    """A request that failed. `permanent`: trying the same again is no use.

    `status`: of the answer, if there was one. `retry_after_seconds`: what Retell or the budget
    asked for. `detail`: Retell's own words. `outcome_unknown`: a change may have been made.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        sentence: str = "",
        status: int | None = None,
        detail: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.kind = kind
        self.status = status
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.permanent = kind in PERMANENT
        self.outcome_unknown = False
        self.never_sent = False  # no connection came about
        self.sentence = sentence or SENTENCES[kind].format(wait=_seconds(retry_after_seconds))
        super().__init__(self.sentence)

    def __repr__(self) -> str:
        return f"RetellApiError({self.kind.value}, status={self.status})"

    def with_unknown_outcome(self) -> RetellApiError:
        """Of a change that may have been made all the same."""
        error = RetellApiError(
            self.kind, sentence=OUTCOME_UNKNOWN, status=self.status, detail=self.detail
        )
        error.outcome_unknown = True
        return error


def _seconds(number: float | None) -> str:
    return f"{max(1, math.ceil(number or 1))} seconds" if (number or 0) > 1 else "a second"


def of_status(
    status: int, answer: Any, *, api_key: str, retry_after_seconds: float | None
) -> RetellApiError:
    """From an answer that is no success; `answer` is its JSON, if it is JSON."""
    if 300 <= status < 400:
        return RetellApiError(Kind.UNREADABLE, sentence=REDIRECTED, status=status)
    kind = _KINDS.get(status, Kind.INVALID if status < 500 else Kind.UNAVAILABLE)
    return RetellApiError(
        kind,
        sentence=FORBIDDEN if status == 403 else "",
        status=status,
        detail=_detail(answer, api_key),
        retry_after_seconds=retry_after_seconds,
    )


def _detail(answer: Any, api_key: str) -> str:
    """Retell's message, without the key should it be quoted."""
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, str):
        return ""
    return " ".join(message.replace(api_key, "…").split())[:DETAIL_MAX_LENGTH]
