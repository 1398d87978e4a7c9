from __future__ import annotations

from zoneinfo import available_timezones

from django import forms

from tenants.slugs import SLUG_MAX_LENGTH, validate_slug


def _zones() -> list[tuple[str, str]]:
    names = sorted(name for name in available_timezones() if "/" in name and name[0].isupper())
    return [("UTC", "UTC"), *((name, name) for name in names)]


class NewOrganizationForm(forms.Form):
    name = forms.CharField(max_length=120)
    slug = forms.SlugField(
        label="Short name",
        max_length=SLUG_MAX_LENGTH,
        validators=[validate_slug],
        help_text="Part of its address: acme in acme.example.com. a–z, 0–9 and hyphens.",
    )
    time_zone = forms.ChoiceField(choices=_zones, initial="UTC")
    admin_email = forms.EmailField(label="E-mail of its first admin", max_length=254)
    retell_api_key = forms.CharField(
        label="Retell API key",
        max_length=512,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The key with the webhook badge in Retell. Stored encrypted, never shown again.",
    )


class SuspendForm(forms.Form):
    reason = forms.CharField(max_length=200, required=False)
