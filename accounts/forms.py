"""What people type when they come in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts import passwords
from accounts.models import AccessPolicy, User


class SignInForm(forms.Form):
    email = forms.EmailField(
        label=lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SecondFactorForm(forms.Form):
    code = forms.CharField(
        label=lazy("Code from your app, or a recovery code"),
        max_length=32,
        # No numeric keyboard: recovery codes have letters.
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split())


class ConfirmForm(forms.Form):
    answer = forms.CharField(
        label=lazy("Password, or a code from your authenticator app"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class AcceptInvitationForm(forms.Form):
    """Name and password of a new person; someone who has an account proves it by its password."""

    name = forms.CharField(
        label=lazy("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, existing: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email, self.existing = email, existing
        if existing:
            del self.fields["name"]
            self.fields["password"].help_text = _("The password of your existing account.")
            self.fields["password"].widget.attrs["autocomplete"] = "current-password"
        else:
            self.fields["password"].help_text = passwords.help_text()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if self.existing is None:
            name = self.cleaned_data.get("name", "")
            passwords.validate(password, User(email=self.email, name=name))
        elif not (self.existing.is_active and self.existing.check_password(password)):
            raise forms.ValidationError(_("That is not the password of your account."))
        return password


class NewAppForm(forms.Form):
    """The code that proves that an authenticator app took the key."""

    code = forms.CharField(
        label=lazy("Code the app shows now"),
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )
    name = forms.CharField(
        label=lazy("Name"),
        max_length=64,
        required=False,
        help_text=lazy("To tell it from others, such as “Work phone”."),
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split())


class AccessPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What an organization's admins decide about coming in."""

    class Meta:
        model = AccessPolicy
        fields = (
            "requires_second_factor",
            "viewers_see_personal_data",
            "viewers_export_personal_data",
            "act_as_needs_consent",
        )
        help_texts = {
            "requires_second_factor": lazy(
                "Who has none sets one up when they come next, and sees nothing else until then."
            ),
            "viewers_see_personal_data": lazy("Otherwise viewers see phone numbers masked."),
            "viewers_export_personal_data": lazy(
                "Otherwise their exports hold masked numbers and no transcripts."
            ),
            "act_as_needs_consent": lazy(
                "Otherwise a super admin may read your pages for half an hour,"
                " with a reason. Either way it stands in your audit log."
            ),
        }


class PasskeyNameForm(forms.Form):
    name = forms.CharField(
        max_length=64, help_text=lazy("What you will recognise it by: work laptop, blue key.")
    )


class PasskeyForm(PasskeyNameForm):
    # What the browser made, written here by static/passkeys.js.
    credential = forms.CharField(required=False, widget=forms.HiddenInput)
