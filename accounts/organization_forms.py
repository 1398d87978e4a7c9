"""The settings of an organization."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from config import zones
from config.currencies import CURRENCIES, DOLLAR
from config.periods import day_input
from tenants.branding.logo import FORMATS, Logo, LogoError, read_logo
from tenants.branding.palette import HEX_COLOUR

DEFAULT_ACCENT = "#4a4ed6"


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in zones.names()]


class GeneralForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Stands on every page and in mails.")
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zones,
        help_text=_(
            "Days, weekdays and hours of the overview, filters and exports are counted in it."
            " Changing it counts past days anew; nothing stored changes."
        ),
    )


class CurrencyForm(forms.Form):
    """Another currency takes a rate, its day and its source."""

    currency = forms.ChoiceField(
        label=_("Show amounts in"),
        choices=[(code, code) for code in CURRENCIES],
        help_text=_("Retell bills in US dollars, which is what is stored, filtered and exported."),
    )
    rate_per_dollar = forms.DecimalField(
        label=_("One US dollar is"),
        required=False,
        min_value=Decimal("0.00000001"),
        max_value=Decimal(1_000_000),
        max_digits=18,
        decimal_places=8,
        help_text=_("How many of that currency, such as 0.92. It counts for calls of any day."),
    )
    rate_since = forms.DateField(
        label=_("Used since"), required=False, widget=day_input(), help_text=_("Stands on pages.")
    )
    rate_source = forms.CharField(
        label=_("Where the rate is from"),
        required=False,
        max_length=80,
        help_text=_("Such as “European Central Bank” or “our contract”. Stands on pages, too."),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_rate_since(self) -> date | None:
        since: date | None = self.cleaned_data["rate_since"]
        if since and since > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        return since

    def clean(self) -> dict[str, Any]:
        """US dollars need no rate, and keep none."""
        cleaned: dict[str, Any] = self.cleaned_data
        if cleaned.get("currency") == DOLLAR:
            return {"currency": DOLLAR, **self.NO_RATE}
        for name in self.NO_RATE:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Another currency needs this. Nothing was changed."))
        return cleaned

    NO_RATE: ClassVar = {"rate_per_dollar": None, "rate_since": None, "rate_source": ""}


class BrandingForm(forms.Form):
    own_accent = forms.BooleanField(
        label=_("Use an accent colour of our own"),
        required=False,
        help_text=_("Without it, pages use the product's blue."),
    )
    accent = forms.RegexField(
        HEX_COLOUR,
        label=_("Accent colour"),
        required=False,
        widget=forms.TextInput(attrs={"type": "color"}),
        error_messages={"invalid": _("Write the colour as # and six digits, such as #4a4ed6.")},
        help_text=_(
            "Links, buttons and marks. It is made darker or lighter where it has to be, so that"
            " text stays readable in both themes."
        ),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ",".join(f"image/{x.lower()}" for x in FORMATS)}),
        help_text=_("PNG, JPEG or WebP, at most 2 MB; shown 24 pixels high on white and on black."),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    def __init__(self, *args: Any, has_logo: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_logo:
            del self.fields["remove_logo"]

    def clean_logo(self) -> Logo | None:
        file = self.cleaned_data["logo"]
        try:
            return read_logo(file) if file else None
        except LogoError as error:
            raise forms.ValidationError(
                _("%(why)s The logo was not changed."), params={"why": error}
            ) from error

    @property
    def chosen_accent(self) -> str:
        """Empty for the product's own."""
        own = self.cleaned_data.get("own_accent")
        return (self.cleaned_data.get("accent") or "").lower() if own else ""
