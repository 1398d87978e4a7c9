"""What people type about their own account."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts import passwords
from accounts.models import User, normalize_email
from config import zones
from config.templatetags.formats import moment

_NEW_PASSWORD = {"autocomplete": "new-password", "maxlength": passwords.MAX_LENGTH}


def _languages() -> list[tuple[str, str]]:
    """Each with the time of now as it writes it."""
    choices = []
    for code, name in settings.LANGUAGES:
        with translation.override(code):
            choices.append((code, f"{name}: {moment(timezone.now())}"))
    return choices


class ProfileForm(forms.Form):
    name = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    time_zone = forms.CharField(
        label=lazy("Time zone"),
        max_length=64,
        required=False,
        # A list one can type into; the page writes its options.
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=lazy("Dates and times"), choices=_languages)

    def __init__(self, *args: Any, default_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["time_zone"]
        field.widget.attrs["placeholder"] = default_zone
        field.help_text = _(
            "Empty for %(default_zone)s."
            " Days of charts and filters stay in that zone for everybody."
        ) % {"default_zone": default_zone}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
            raise forms.ValidationError(_("A name is one line of text."))
        return name

    def clean_time_zone(self) -> str:
        text: str = self.cleaned_data["time_zone"]
        zone = zones.find(text) if text else ""
        if zone is None:
            raise forms.ValidationError(
                _(
                    "“%(text)s” is no time zone that is known here."
                    " Choose one of the list, such as Europe/London."
                )
                % {"text": text}
            )
        return zone


class NewPasswordForm(forms.Form):
    password = forms.CharField(
        label=lazy("New password"), strip=False, widget=forms.PasswordInput(attrs=_NEW_PASSWORD)
    )
    again = forms.CharField(
        label=lazy("New password again"),
        strip=False,
        widget=forms.PasswordInput(attrs=_NEW_PASSWORD),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = passwords.help_text(user)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        passwords.validate(password, self.user)
        return password

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if "password" in self.cleaned_data and again != self.cleaned_data["password"]:
            raise forms.ValidationError(_("The two are not the same. Nothing was saved."))
        return again


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class NewEmailForm(forms.Form):
    email = forms.EmailField(
        label=lazy("New e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = normalize_email(self.cleaned_data["email"])
        if email == self.user.email:
            raise forms.ValidationError(_("That is your address already."))
        return email
