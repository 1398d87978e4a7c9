from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from config import zones
from config.networks import parse_network
from operations import allow_list
from operations.models import AllowedNetwork
from tenants.slugs import SLUG_MAX_LENGTH, validate_slug


def _zones() -> list[tuple[str, str]]:
    return [(name, name) for name in zones.names()]


class NewOrganizationForm(forms.Form):
    name = forms.CharField(max_length=120)
    slug = forms.SlugField(
        label=lazy("Short name"),
        max_length=SLUG_MAX_LENGTH,
        validators=[validate_slug],
        help_text=lazy("Part of its address: acme in acme.example.com. a–z, 0–9 and hyphens."),
    )
    time_zone = forms.ChoiceField(choices=_zones, initial="UTC")
    admin_email = forms.EmailField(label=lazy("E-mail of its first admin"), max_length=254)
    retell_api_key = forms.CharField(
        label=lazy("Retell API key"),
        max_length=512,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=lazy(
            "The key with the webhook badge in Retell. Stored encrypted, never shown again."
        ),
    )


class VisitForm(forms.Form):
    reason = forms.CharField(
        min_length=10,
        max_length=500,
        label=lazy("Why do you look inside?"),
        help_text=lazy("At least ten letters. Stands in the organization's audit log."),
    )


class SuspendForm(forms.Form):
    reason = forms.CharField(max_length=200, required=False)


class AllowedNetworkForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """Saves nothing that would shut out `address`, from which it was asked for."""

    address = ""

    class Meta:
        model = AllowedNetwork
        fields = ("cidr", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cidr"].help_text = _(
            "One address or a network: 203.0.113.7, 203.0.113.0/24, 2001:db8:1:2::/64."
            " You are at %(address)s. As soon as one is listed, everybody else is refused."
        ) % {"address": self.address or _("an address that is not known")}

    def clean_cidr(self) -> str:
        try:
            return str(parse_network(self.cleaned_data["cidr"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "cidr" in cleaned:
            try:
                allow_list.check_staying(
                    self.address, without=self.instance.pk, adding=cleaned["cidr"]
                )
            except allow_list.WouldShutOut as error:
                self.add_error("cidr", str(error))
        return cleaned
