from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class AgentNameForm(forms.Form):
    name = forms.CharField(
        max_length=120, required=False, help_text=_("Empty: the name Retell has for it is shown.")
    )
