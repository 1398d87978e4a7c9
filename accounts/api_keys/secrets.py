"""How a key looks: `swb_`, 32 random characters, and six that check them.

The beginning lets scanners of repositories find lost keys; the checksum tells them, and us, a
mistyped key from one that could be real, without a look-up.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

PREFIX = "swb_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 62^32: 190 bits.
_RANDOM_LENGTH, _CHECK_LENGTH = 32, 6
HINT_LENGTH = len(PREFIX) + 4
_SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM_LENGTH}}})([0-9A-Za-z]{{{_CHECK_LENGTH}}})")


def new_key() -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return PREFIX + body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Whether a text could be a key; most that are not were mistyped or cut."""
    found = _SHAPE.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def holds_key(text: str) -> bool:
    """Whether a key stands somewhere in a text."""
    return _SHAPE.search(text) is not None


def _checksum(body: str) -> str:
    """CRC-32 in base 62: 62^6 is more than 2^32."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
