from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.connection.keys import KEY_MAX_LENGTH
from completeness.forms import MOST_MONTHS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def _key_field(label: StrOrPromise, help_text: StrOrPromise) -> forms.CharField:
    """Written, never shown again: what was typed does not come back with an error either."""
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(
        label=label,
        max_length=KEY_MAX_LENGTH,
        widget=forms.PasswordInput(attrs=attrs),
        help_text=help_text,
    )


class ApiKeyForm(forms.Form):
    api_key = _key_field(
        _("API key"), _("From Retell's page API Keys. Stored encrypted, never shown again.")
    )
    signs_webhooks = forms.BooleanField(
        label=_("It has the webhook badge in Retell"),
        required=False,
        help_text=_(
            "Then it also verifies webhooks. Otherwise store the key with the badge below."
        ),
    )
    months = forms.IntegerField(
        label=_("Months of history to fetch"),
        required=False,
        min_value=0,
        max_value=MOST_MONTHS,
        help_text=_("Calls from before, fetched in the background. 0: none."),
    )


class SigningKeyForm(forms.Form):
    signing_key = _key_field(
        _("Signing key"),
        _("The key with the webhook badge. It needs no permissions in Retell, which is safer."),
    )
