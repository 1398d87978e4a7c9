from __future__ import annotations

from django import forms


class AgentNameForm(forms.Form):
    name = forms.CharField(
        max_length=120, required=False, help_text="Empty: the name Retell has for it is shown."
    )
