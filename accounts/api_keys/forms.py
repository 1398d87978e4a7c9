"""What admins enter about keys, and about pages that may use the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.api_keys.origins import MOST_ORIGINS, clean_origin
from accounts.models import ApiKey
from accounts.scopes import OF_OPERATOR, OF_ORGANIZATIONS, Scope
from config.networks import parse_network

MOST_NETWORKS = 20
TERMS = (
    ("30", lazy("30 days")),
    ("90", lazy("90 days")),
    ("365", lazy("A year")),
    ("", lazy("Never")),
)
OVERLAPS = (
    ("0", lazy("At once")),
    ("24", lazy("In a day")),
    ("168", lazy("In a week")),
)


class NewKeyForm(forms.Form):
    name = forms.CharField(
        label=lazy("Name"),
        max_length=ApiKey.NAME_MAX_LENGTH,
        help_text=lazy("What will use it, such as “Warehouse”. It stands in the audit log."),
    )
    scopes = forms.MultipleChoiceField(
        label=lazy("What it may do"), widget=forms.CheckboxSelectMultiple
    )
    term = forms.ChoiceField(label=lazy("Ends after"), choices=TERMS, initial="365", required=False)
    networks = forms.CharField(
        label=lazy("Only from these addresses"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("One address or network a line, such as 203.0.113.0/24. Empty: any."),
    )

    def __init__(self, *args: Any, is_operator: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = OF_OPERATOR if is_operator else OF_ORGANIZATIONS
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (scope.value, f"{scope.value} — {scope.description}")
            for scope in Scope
            if scope in there
        ]

    def clean_scopes(self) -> list[Scope]:
        return [Scope(value) for value in self.cleaned_data["scopes"]]

    def clean_networks(self) -> list[str]:
        lines = _lines(self.cleaned_data["networks"])
        if len(lines) > MOST_NETWORKS:
            raise ValidationError(_("At most %(most)s lines.") % {"most": MOST_NETWORKS})
        try:
            return [str(parse_network(line)) for line in lines]
        except ValueError as error:
            raise ValidationError(str(error)) from None

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["term"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(
        label=lazy("The old key ends"), choices=OVERLAPS, initial="24", widget=forms.RadioSelect
    )

    def clean_overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class OriginsForm(forms.Form):
    origins = forms.CharField(
        label=lazy("Origins"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=lazy("One a line, such as https://crm.example.com. Nothing else may."),
    )

    def clean_origins(self) -> list[str]:
        lines = _lines(self.cleaned_data["origins"])
        if len(lines) > MOST_ORIGINS:
            raise ValidationError(_("At most %(most)s lines.") % {"most": MOST_ORIGINS})
        try:
            return list(dict.fromkeys(clean_origin(line) for line in lines))
        except ValueError as error:
            raise ValidationError(str(error)) from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
