"""What admins decide about deliveries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.templatetags.formats import number
from webhooks.models import Retention
from webhooks.retention import DAYS_MAX, DAYS_MIN


class RetentionForm(forms.Form):
    keep = forms.ChoiceField(
        label=_("Keep raw bodies"),
        choices=(("days", "for a number of days"), ("always", "for ever")),
    )
    days = forms.IntegerField(
        label=_("Days"),
        min_value=DAYS_MIN,
        max_value=DAYS_MAX,
        required=False,
        help_text=_("Counted from when a body was received. Removed once a night."),
    )

    def __init__(self, data: Any, *, retention: Retention) -> None:
        self.current = retention.raw_body_days
        keep = "days" if self.current else "always"
        super().__init__(data, initial={"keep": keep, "days": self.current})

    def clean(self) -> dict[str, Any]:
        """`days` is None for ever."""
        cleaned = super().clean() or {}
        if cleaned.get("keep") == "always":
            cleaned["days"] = None
            self.errors.pop("days", None)
        elif cleaned.get("keep") == "days" and "days" in cleaned and cleaned["days"] is None:
            self.add_error(
                "days",
                gettext("Say how many days, from %(least)s to %(most)s.")
                % {"least": DAYS_MIN, "most": number(DAYS_MAX)},
            )
        return cleaned

    @property
    def is_shorter(self) -> bool:
        days = self.cleaned_data["days"]
        return days is not None and (self.current is None or days < self.current)
