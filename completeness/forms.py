"""What somebody asks to compare."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

MOST_MONTHS = 24
MOST_DAYS = 92
REASON_MIN_LENGTH, REASON_MAX_LENGTH = 10, 500


class HistoryForm(forms.Form):
    months = forms.IntegerField(
        min_value=1,
        max_value=MOST_MONTHS,
        initial=3,
        help_text=f"1 to {MOST_MONTHS}. Retell deletes calls after the time each agent is set to.",
    )


class _Ids(forms.Field):
    """Ids of ticked boxes."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        try:
            return [UUID(text) for text in value or ()]
        except ValueError:
            return []  # then nothing is chosen, which is told


class AcceptForm(forms.Form):
    """That something stays missing. What is chosen are ids and times as the page showed them."""

    gap = _Ids(required=False)
    range_until = forms.CharField(required=False, max_length=40)
    reason = forms.CharField(
        label=lazy("Why it may stay missing"),
        min_length=REASON_MIN_LENGTH,
        max_length=REASON_MAX_LENGTH,
        help_text=lazy("Stands in the audit log."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("gap") and not cleaned.get("range_until"):
            raise forms.ValidationError(_("Choose what is accepted."))
        return cleaned


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
            self.add_error("last_day", _("The last day is before the first."))
        elif last - first > timedelta(days=MOST_DAYS):
            self.add_error(
                "last_day",
                _("At most %(MOST_DAYS)s days at once; use History for more.")
                % {"MOST_DAYS": MOST_DAYS},
            )
        elif first > timezone.localdate():
            self.add_error("first_day", _("Nothing has happened on that day yet."))
        return cleaned
