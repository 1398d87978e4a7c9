from __future__ import annotations

from django import forms
from django.core.validators import MaxValueValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from operations.readiness.vocabulary import Item


class SignOffForm(forms.Form):
    """What was seen, and for how long it counts; `item` limits the days."""

    note = forms.CharField(
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=lazy("What did you see?"),
        help_text=lazy("At least ten letters. Stands here and in the audit log."),
    )
    days = forms.IntegerField(min_value=1, label=lazy("Counts for how many days?"))

    def __init__(self, data: QueryDict | None = None, *, item: Item) -> None:
        super().__init__(data, initial={"days": item.signed_days})
        days = self.fields["days"]
        days.validators.append(MaxValueValidator(item.signed_days))
        days.widget.attrs["max"] = item.signed_days
        days.help_text = _("At most %(most)s; then somebody looks again.") % {
            "most": item.signed_days
        }
