"""Forms of the calls list: its columns, its saved views, what is done to many calls at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.columns import ALWAYS, COLUMNS
from calls.forms import BillableForm
from calls.models import SavedView, Tag


class ColumnsForm(forms.Form):
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        choices=[(column.key, column.label) for column in COLUMNS if column.key != ALWAYS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_compact = forms.BooleanField(label=_("Compact rows"), required=False)


class ViewForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=SavedView.NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_shared = forms.BooleanField(
        label=_("For everybody here"),
        required=False,
        help_text=_("Everybody sees it above their list. Only admins change it."),
    )

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["is_shared"]


class ManyBillableForm(BillableForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_billable"].label = _("These calls are")
        self.fields["reason"].help_text = _("Kept with each call, with your name and the time.")


class ManyTagForm(forms.Form):
    """A tag for many calls: one that is there, suggested while typing, or a new one."""

    name = forms.CharField(
        label=_("Tag"),
        max_length=Tag.NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"list": "tag-names", "autocomplete": "off"}),
    )


class ManyUntagForm(forms.Form):
    tag = forms.ModelChoiceField(label=_("Tag"), queryset=Tag.objects.all())
