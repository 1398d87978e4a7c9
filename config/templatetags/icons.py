"""`{% icon "phone" %}` writes a Lucide icon into the page."""

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """The icon as SVG in the colour of the text, hidden from screen readers.

    Raises lucide.IconDoesNotExist for a name the icon set does not have.
    """
    svg = lucide(name, size=size, stroke_width="1.75", aria_hidden="true", **{"class": "icon"})
    return mark_safe(svg)  # noqa: S308 (drawings of an installed package)
