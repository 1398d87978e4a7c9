"""Categories, phases and states of the assessment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from operations.health import Measurement

# What matters most counts so many times: without one of these nobody should go live.
ESSENTIAL_WEIGHT = 3


class Category(TextChoices):
    INFRASTRUCTURE = "infrastructure", _("Infrastructure")
    SECURITY = "security", _("Security")
    PERFORMANCE = "performance", _("Performance")
    MONITORING = "monitoring", _("Monitoring")
    DATA = "data", _("Data management")
    EXPERIENCE = "experience", _("User experience")
    DOCUMENTATION = "documentation", _("Documentation")
    TESTING = "testing", _("Testing")


class Phase(TextChoices):
    """The checklists around a launch, in this order."""

    PRE_LAUNCH = "pre-launch", _("Pre-launch")
    LAUNCH_DAY = "launch-day", _("Launch day")
    POST_LAUNCH = "post-launch", _("Post-launch")


class State(TextChoices):
    WELL = "well", _("Well")
    SIGNED = "signed", _("Signed off")
    MISSING = "missing", _("To do")
    EXPIRED = "expired", _("Expired")
    UNMEASURED = "unmeasured", _("Not measured yet")

    @property
    def tone(self) -> str:
        return {
            State.WELL: "ok",
            State.SIGNED: "ok",
            State.MISSING: "bad",
            State.EXPIRED: "warn",
        }.get(self, "mute")

    @property
    def counts(self) -> bool:
        """Whether the item is done."""
        return self in (State.WELL, State.SIGNED)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing a production installation has or does.

    `measure` tells whether it does, now; without it a super admin signs it off, for at most
    `signed_days`. `fix` is for items that are signed off; measurements bring their own.
    """

    code: str
    category: Category
    title: Any
    why: Any
    phases: tuple[Phase, ...] = (Phase.PRE_LAUNCH,)
    is_essential: bool = False
    measure: Callable[[], Measurement] | None = None
    fix: Any = ""
    signed_days: int = 0

    @property
    def weight(self) -> int:
        return ESSENTIAL_WEIGHT if self.is_essential else 1

    @property
    def is_signed_off(self) -> bool:
        return self.measure is None
