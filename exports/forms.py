from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exports import columns, pdf_file
from exports.actions import Wish
from exports.columns import Privacy
from exports.models import Format
from exports.subjects import ABOUT, Subject

MASKED, WHOLE = "masked", "whole"


class ExportForm(forms.Form):
    """What a file should be. Who may not take whole numbers along is not asked about them."""

    format = forms.ChoiceField(
        label=_("Format"),
        choices=(
            ("csv", _("CSV, for programs and spreadsheets")),
            ("xlsx", _("Excel, with numbers and dates as such")),
            ("pdf", _("PDF, a report to print or send")),
        ),
        initial=Format.CSV,
        widget=forms.RadioSelect,
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A report has no room for what was said: PDF leaves summaries and such out."),
        error_messages={"required": _("Choose at least one column.")},
    )
    numbers = forms.ChoiceField(
        label=_("Phone numbers"),
        choices=((MASKED, _("Masked: •••• 0142")), (WHOLE, _("Whole"))),
        initial=MASKED,
        widget=forms.RadioSelect,
        help_text=_("Whoever downloads the file needs the right to what is in it."),
    )
    with_mark = forms.BooleanField(
        label=_("CSV: mark the file as UTF-8"),
        required=False,
        help_text=_("For opening it in Excel. Most programs need it no more."),
    )
    wants_mail = forms.BooleanField(label=_("Send me an e-mail when it is ready"), required=False)

    def __init__(
        self,
        data: Any = None,
        *,
        may_take: bool,
        subject: Subject = Subject.CALLS,
        chosen: list[str] | None = None,
    ) -> None:
        self.available = ABOUT[subject].columns
        super().__init__(data, initial={"columns": chosen or columns.default_codes(self.available)})
        self.may_take, self.subject = may_take, subject
        self.columns_field.choices = [
            (column.code, column.label)
            for column in self.available
            if may_take or column.privacy is not Privacy.TEXT
        ]
        if not self.asks_about_numbers:
            del self.fields["numbers"]

    @property
    def asks_about_numbers(self) -> bool:
        """Chats have none."""
        has_numbers = any(column.privacy is Privacy.NUMBER for column in self.available)
        return self.may_take and has_numbers

    @property
    def columns_field(self) -> forms.MultipleChoiceField:
        field = self.fields["columns"]
        assert isinstance(field, forms.MultipleChoiceField)
        return field

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        chosen = columns.chosen(cleaned.get("columns", []), self.available)
        if cleaned.get("format") == Format.PDF and chosen:
            shown = columns.for_report(chosen)
            if not shown:
                self.add_error("columns", _("A report needs a column besides what was said."))
            elif not pdf_file.fits(shown):
                self.add_error("columns", _("A page has no room for so many; choose fewer."))
        return cleaned

    @property
    def wish(self) -> Wish:
        cleaned = self.cleaned_data
        format_ = Format(cleaned["format"])
        chosen = columns.chosen(cleaned["columns"], self.available)
        return Wish(
            format=format_,
            columns=columns.for_report(chosen) if format_ is Format.PDF else chosen,
            whole_numbers=cleaned.get("numbers") == WHOLE,
            with_mark=cleaned["with_mark"],
            wants_mail=cleaned["wants_mail"],
            may_take=self.may_take,
            subject=self.subject,
        )
