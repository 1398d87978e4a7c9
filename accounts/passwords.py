"""Which passwords are good enough. Set once, in `AUTH_PASSWORD_VALIDATORS`, asked everywhere.

As NIST SP 800-63B says: length, and no password that others would guess; no rules about capitals
or digits, no expiry. A password is held against two lists, both offline: Django's, the most used
of breached passwords, and that of zxcvbn, which also sees through keyboard patterns, repeats,
dates and @ for a. What everybody knows of a person (name, address, organization, this product)
counts for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import log10

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from zxcvbn_rs_py import zxcvbn

from accounts.factors import factors_of
from accounts.models import User
from tenants.models import Organization
from tenants.scope import door, scoped_connection

PRODUCT = "Switchboard"
MAX_LENGTH = 128
# A word of three letters is in too many others by chance.
WORD_MIN_LENGTH = 4
# zxcvbn takes 0.7 s for 72 characters that were made to be slow, and 0.15 s for 32. The rest of a
# password can only make it harder to guess.
JUDGED_LENGTH = 32

UNREADABLE = "The password holds characters that cannot be typed again. Nothing was saved."
TOO_LONG = f"The password is longer than {MAX_LENGTH} characters. Nothing was saved."
COMMON = (
    "Many people use this password, and it is among the first that are tried."
    " Choose a few words that do not belong together."
)
GUESSABLE = (
    "This password is easy to guess: it repeats itself, or follows the keyboard, a date or words"
    " many people use. Choose a few words that do not belong together."
)
KNOWN = (
    "Without your name, address, organization and ours, what is left of this password is easy to"
    " guess. Choose a few words that have nothing to do with you."
)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a password must reach: characters, and guesses as a power of ten."""

    min_length: int
    guesses_log10: float


def bar_for(user: User | None) -> Bar:
    """Lower for somebody who needs more than the password to come in."""
    if user is not None and not user._state.adding and _has_factor(user):
        return Bar(
            settings.PASSWORD_MIN_LENGTH_WITH_FACTOR,
            log10(settings.PASSWORD_MIN_GUESSES_WITH_FACTOR),
        )
    return Bar(settings.PASSWORD_MIN_LENGTH, log10(settings.PASSWORD_MIN_GUESSES))


def help_text(user: User | None = None) -> str:
    shortest = bar_for(user).min_length
    return f"At least {shortest} characters. A few unrelated words are easy to remember."


def validate(
    password: str, user: User | None = None, *, organization: Organization | None = None
) -> None:
    """Raises `ValidationError` with one sentence. `user` may be unsaved; `organization` is where
    they will sign in, when it is not the one this request is for."""
    bar = bar_for(user)
    _validate_text(password, bar.min_length)
    if password.lower().strip() in _common().passwords:
        raise ValidationError(COMMON, code="password_too_common")
    words = _known_words(user, organization)
    rest = _without(words, password)
    if _guesses_log10(rest, words) < bar.guesses_log10:
        is_known = rest != password and _guesses_log10(password, ()) >= bar.guesses_log10
        raise ValidationError(KNOWN if is_known else GUESSABLE, code="password_guessable")


class PasswordPolicy:
    """The same for Django, which asks by the names of its validators."""

    def validate(self, password: str, user: User | None = None) -> None:
        validate(password, user)

    def get_help_text(self) -> str:
        return help_text()


def _has_factor(user: User) -> bool:
    with door():
        return bool(factors_of(user))


def _validate_text(password: str, shortest: int) -> None:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password[:MAX_LENGTH]):
        raise ValidationError(UNREADABLE, code="password_unreadable")
    if len(password) > MAX_LENGTH:
        raise ValidationError(TOO_LONG, code="password_too_long")
    if len(password) < shortest:
        raise ValidationError(
            f"The password is shorter than {shortest} characters. Add a word or two.",
            code="password_too_short",
        )


@cache
def _common() -> CommonPasswordValidator:
    return CommonPasswordValidator()


def _guesses_log10(password: str, words: Iterable[str]) -> float:
    return zxcvbn(password[:JUDGED_LENGTH], list(words)).guesses_log10 if password else 0.0


def _known_words(user: User | None, organization: Organization | None) -> list[str]:
    """What others know of this person, longest first."""
    texts = [PRODUCT, settings.BASE_DOMAIN]
    if user is not None:
        texts += [user.name, user.email]
    for known in _organizations(user, organization):
        texts += [known.name, known.slug]
    words = {text.lower() for text in texts}
    words |= {word for text in texts for word in re.findall(r"[^\W_]+", text.lower())}
    return sorted((word for word in words if len(word) >= WORD_MIN_LENGTH), key=len, reverse=True)


def _organizations(user: User | None, organization: Organization | None) -> list[Organization]:
    """The one that is named, the one the connection works for, and those they belong to."""
    here = scoped_connection().tenant
    found = [one for one in (organization, here) if isinstance(one, Organization)]
    if user is not None and not user._state.adding:
        with door():
            found += Organization.objects.filter(memberships__user=user)
    return found


def _without(words: list[str], password: str) -> str:
    for word in words:
        password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    return password
