"""Reads JSON that others wrote: bodies of webhooks, answers of APIs. Exact, and bounded.

What comes out can be written to PostgreSQL and shown on any page: numbers are int or Decimal and
fit a float, no text holds NUL or half a character, nothing nests too deeply.
"""

from __future__ import annotations

import re
from decimal import Context, Inexact, Overflow, Subnormal
from typing import Any

import simplejson

# What fits a float, since pages and drivers read numbers back as one.
_MAX_DIGITS = 307
# Retell's own bodies are 7 levels deep. What is read here must be readable on any page, whose
# stack is deeper, and by PostgreSQL.
MAX_DEPTH = 100
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class UnreadableJson(Exception):
    """No JSON that could be kept. `code` is stable; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise UnreadableJson("number_unreadable", f"The number {text[:40]} is beyond any range.")
    return int(text)


def _refuse_constant(name: str) -> None:
    raise UnreadableJson("not_a_number", f"The body holds {name}, which is not JSON.")


# Reads a number exactly, or raises when nobody else could read it back.
_exact = Context(
    prec=_MAX_DIGITS, Emax=_MAX_DIGITS, Emin=-_MAX_DIGITS, traps=[Overflow, Subnormal, Inexact]
)
_decoder = simplejson.JSONDecoder(
    parse_float=_exact.create_decimal,
    parse_int=_integer,
    parse_constant=_refuse_constant,
    allow_nan=True,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(body: bytes, forbidden_keys: frozenset[str] = frozenset()) -> tuple[Any, bool]:
    """The body's value, and whether forbidden keys were taken out. Raises `UnreadableJson`."""
    if not body.strip():
        raise UnreadableJson("empty", "The body is empty.")
    try:
        text = body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UnreadableJson("not_utf8", f"The body is not UTF-8 at byte {error.start}.") from error
    try:
        document = _decoder.decode(text)
        if _is_deep(body, document):
            raise UnreadableJson("too_deep", "The body is nested too deeply.")
        # Escapes can spell NUL, lone surrogates and any key; without one the text is as it seems.
        if "\\u" in text or any(key in text for key in forbidden_keys):
            return _clean(document, forbidden_keys), _holds_any(document, forbidden_keys)
    except ArithmeticError as error:
        raise UnreadableJson("number_unreadable", "A number is beyond any range.") from error
    except RecursionError as error:
        raise UnreadableJson("too_deep", "The body is nested too deeply.") from error
    except ValueError as error:
        raise UnreadableJson("not_json", f"The body is not JSON: {error}"[:200]) from error
    return document, False


def _is_deep(body: bytes, document: Any) -> bool:
    """Whether it nests more than `MAX_DEPTH` levels; a walk only where the text alone can't tell.

    The brackets of a body vanish level by level, innermost first; those in texts may not pair up.
    """
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _clean(value: Any, forbidden_keys: frozenset[str]) -> Any:
    """Without forbidden keys; what PostgreSQL's text cannot hold becomes U+FFFD."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict):
        return {
            _clean_text(key): _clean(item, forbidden_keys)
            for key, item in value.items()
            if key not in forbidden_keys
        }
    if isinstance(value, list):
        return [_clean(item, forbidden_keys) for item in value]
    return value


def _holds_any(value: Any, keys: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return not keys.isdisjoint(value) or any(_holds_any(item, keys) for item in value.values())
    return isinstance(value, list) and any(_holds_any(item, keys) for item in value)


def _clean_text(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text).replace("\x00", "\ufffd")
