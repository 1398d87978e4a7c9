from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.models import CallNote, Tag


class BillableForm(forms.Form):
    """Revenue or test, and why."""

    is_billable = forms.TypedChoiceField(
        label=_("This call is"),
        choices=(("yes", _("Revenue, billed")), ("no", _("A test, not billed"))),
        coerce=lambda value: value == "yes",
    )
    reason = forms.CharField(
        max_length=200,
        label=_("Why"),
        help_text=_("Kept with the call, with your name and the time."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=CallNote.TEXT_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TagForm(forms.Form):
    """A tag that is there already, suggested while typing, or a new one."""

    name = forms.CharField(
        label=_("Add a tag"),
        max_length=Tag.NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"list": "tag-names", "autocomplete": "off"}),
    )
