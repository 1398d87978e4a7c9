"""Free text as the person of this request may see it."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.masking import shown_text

register = template.Library()


@register.filter
def masked(value: Any) -> Any:
    """`{{ call.summary|masked }}`: phone numbers masked, unless they may be seen whole."""
    return shown_text(value)
