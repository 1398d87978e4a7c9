"""What somebody asks to compare."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

MOST_MONTHS = 24
MOST_DAYS = 92


class HistoryForm(forms.Form):
    months = forms.IntegerField(
        min_value=1,
        max_value=MOST_MONTHS,
        initial=3,
        help_text=f"1 to {MOST_MONTHS}. Retell deletes calls after the time each agent is set to.",
    )


class RangeForm(forms.Form):
    """Days in the organization's time zone, both included."""

    first_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first: date | None = cleaned.get("first_day")
        last: date | None = cleaned.get("last_day")
        if first is None or last is None:
            return cleaned
        if last < first:
            self.add_error("last_day", "The last day is before the first.")
        elif last - first > timedelta(days=MOST_DAYS):
            self.add_error("last_day", f"At most {MOST_DAYS} days at once; use History for more.")
        elif first > timezone.localdate():
            self.add_error("first_day", "Nothing has happened on that day yet.")
        return cleaned
