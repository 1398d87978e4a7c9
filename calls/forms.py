from __future__ import annotations

from django import forms


class BillableForm(forms.Form):
    """Revenue or test, and why."""

    is_billable = forms.TypedChoiceField(
        label="This call is",
        choices=(("yes", "Revenue, billed"), ("no", "A test, not billed")),
        coerce=lambda value: value == "yes",
    )
    reason = forms.CharField(
        max_length=200,
        label="Why",
        help_text="Kept with the call, with your name and the time.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
