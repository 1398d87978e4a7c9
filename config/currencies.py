"""In which currency pages show amounts of money.

Retell reports cost in US dollars, and only those are stored, added up, filtered and exported. An
organization may have pages show them in its own currency, at one rate that its admins typed, with
the day since which they use it and where it is from (docs/adr/0009). Such an amount is marked ≈,
has the US dollars in its title, and the page explains the rate at its foot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

DOLLAR = "USD"
# ISO 4217 → (what stands before an amount, decimals).
CURRENCIES = {
    "USD": ("$", 2), "AED": ("AED ", 2), "AUD": ("A$", 2), "BRL": ("R$", 2), "CAD": ("CA$", 2),
    "CHF": ("CHF ", 2), "CZK": ("CZK ", 2), "DKK": ("DKK ", 2), "EUR": ("€", 2), "GBP": ("£", 2),
    "HKD": ("HK$", 2), "ILS": ("₪", 2), "INR": ("₹", 2), "JPY": ("¥", 0), "MXN": ("MX$", 2),
    "NOK": ("NOK ", 2), "NZD": ("NZ$", 2), "PLN": ("PLN ", 2), "SEK": ("SEK ", 2),
    "SGD": ("S$", 2), "ZAR": ("ZAR ", 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_dollar`: units of `currency` for one US dollar, in use since a day, from a source."""

    currency: str
    per_dollar: Decimal
    since: date
    source: str

    @property
    def symbol(self) -> str:
        return CURRENCIES[self.currency][0]

    def places(self, of_dollars: int) -> int:
        """Decimals that say as much as so many of dollars: a yen has no cents."""
        return max(0, of_dollars - 2 + CURRENCIES[self.currency][1])


@dataclass(slots=True)
class _Shown:
    """Of one page: the rate, and whether an amount was shown at it."""

    rate: Rate
    is_used: bool = False


_shown: ContextVar[_Shown | None] = ContextVar("shown_currency", default=None)


@contextmanager
def shown_in(rate: Rate | None) -> Iterator[None]:
    """Amounts are formatted at this rate within; None: in US dollars."""
    token = _shown.set(_Shown(rate) if rate else None)
    try:
        yield
    finally:
        _shown.reset(token)


def rate_to_show() -> Rate | None:
    """For an amount that is being written; the page explains it then."""
    shown = _shown.get()
    if shown is None:
        return None
    shown.is_used = True
    return shown.rate


def used_rate() -> Rate | None:
    """The rate at which amounts stand on the page so far."""
    shown = _shown.get()
    return shown.rate if shown and shown.is_used else None
