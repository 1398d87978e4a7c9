"""Small parts of a page that are shorter as a tag than as an include."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

TONES = {"ok", "warn", "bad", "mute", "info"}


def label_and_tone(subject: Any, tone: str | None) -> tuple[str, str]:
    """Label and tone of a choice (`.label`, `.tone`) or of a plain text with a tone beside it."""
    label = getattr(subject, "label", subject)
    chosen = tone or getattr(subject, "tone", None) or "mute"
    return str(label), chosen if chosen in TONES else "mute"


@register.simple_tag
def badge(subject: Any, tone: str | None = None, quiet: bool = False) -> str:
    """A dot and a word on a soft ground. `quiet` (tables): ok and mute lose the ground."""
    if subject is None or subject == "":
        return "—"
    label, tone = label_and_tone(subject, tone)
    plain = " plain" if quiet and tone in {"ok", "mute"} else ""
    return format_html(
        '<span class="badge {}{}"><span class="dot {}"></span>{}</span>',
        tone,
        plain,
        tone,
        label,
    )


@register.simple_tag
def status(subject: Any, tone: str | None = None) -> str:
    """A status dot beside its word."""
    if subject is None or subject == "":
        return "—"
    label, tone = label_and_tone(subject, tone)
    return format_html('<span class="status"><span class="dot {}"></span>{}</span>', tone, label)


@register.simple_tag
def swatch(tone: int | str) -> SafeString:
    """The square that ties a line of text to a chart series (1 to 5)."""
    return format_html('<span class="swatch c{}"></span>', tone)
