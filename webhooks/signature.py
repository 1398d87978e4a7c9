"""Retell's webhook signature, checked over the raw bytes by a function that cannot raise.

`X-Retell-Signature: v=<unix ms>,d=<hex>` where d = HMAC-SHA256(key, body + decimal v), valid for
five minutes either way. The SDK's `verify` takes text only and raises on a missing header, on
bytes, on keys that are None and on overlong numbers; and it accepts an empty key. So the scheme
stands here, in ten lines over bytes, and tests hold it to the SDK.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

TOLERANCE_MS = 300_000
HEADER_MAX_LENGTH = 100
MAX_KEYS = 2  # current and previous
_HEADER = re.compile(r"v=([0-9]{1,20}),d=([0-9a-f]{64})")
_DUMMY_KEY = "a key that signs nothing"


class Refusal(StrEnum):
    """Why a delivery was refused; counted, and told to nobody outside."""

    NO_HEADER = "no_header"
    MALFORMED_HEADER = "malformed_header"
    STALE = "stale"
    AHEAD = "ahead"
    WRONG_KEY = "wrong_key"
    NO_KEY = "no_key"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a reason, no password
    EXPIRED_URL = "expired_url"


REFUSAL_LABELS: dict[Refusal, str] = {
    Refusal.NO_HEADER: "No signature header",
    Refusal.MALFORMED_HEADER: "Malformed signature header",
    Refusal.STALE: "Signed more than five minutes ago",
    Refusal.AHEAD: "Signed more than five minutes ahead: a clock is wrong",
    Refusal.WRONG_KEY: "Signed with another key than the webhook key",
    Refusal.NO_KEY: "No Retell key is stored yet",
    Refusal.UNKNOWN_TOKEN: "Unknown webhook URL",
    Refusal.EXPIRED_URL: "An old webhook URL that works no more",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verified by the key at `key_index`, or refused for a reason."""

    key_index: int = -1
    key_id: int | None = None
    refusal: Refusal | None = None


def key_id(key: str) -> int:
    """Tells keys apart without telling them: 32 bits of the SHA-256, as a signed integer."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big", signed=True)


def digest(body: bytes, key: str, timestamp: str) -> str:
    return hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest()


def verify(body: bytes, header: str | None, keys: Sequence[str], *, now_ms: int) -> Verdict:
    """Check `header` against each key. Total, and the same work for every refusal."""
    match = _HEADER.fullmatch(header[:HEADER_MAX_LENGTH]) if header else None
    timestamp, given = match.groups() if match else ("0", "0" * 64)
    usable = [key for key in keys if key]
    # Padded to as many keys as there can be: how long a refusal takes must not tell their number.
    candidates = usable + [_DUMMY_KEY] * (MAX_KEYS - len(usable))
    found = -1
    for index, key in enumerate(candidates):
        if hmac.compare_digest(digest(body, key, timestamp), given) and index < len(usable):
            found = index
            break
    if header is None or not header:
        return Verdict(refusal=Refusal.NO_HEADER)
    if match is None:
        return Verdict(refusal=Refusal.MALFORMED_HEADER)
    if not usable:
        return Verdict(refusal=Refusal.NO_KEY)
    if found < 0:
        return Verdict(refusal=Refusal.WRONG_KEY)
    age_ms = now_ms - int(timestamp)
    if abs(age_ms) > TOLERANCE_MS:
        return Verdict(refusal=Refusal.STALE if age_ms > 0 else Refusal.AHEAD)
    return Verdict(key_index=found, key_id=key_id(usable[found]))
