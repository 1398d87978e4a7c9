"""`{% script "app.js" %}` loads a script with its hash, so that a changed one does not run."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def script(name: str) -> SafeString:
    """A static file as a script. Raises FileNotFoundError when there is no such file."""
    return _tag(static(name))


@register.simple_tag
def script_if_possible(name: str) -> SafeString:
    """For error pages: without the manifest, and nothing when the file cannot be read."""
    try:
        return _tag(settings.STATIC_URL + name)
    except OSError:
        return SafeString("")


def _tag(url: str) -> SafeString:
    file = _file(url.removeprefix(settings.STATIC_URL))
    integrity = _integrity(file, file.stat().st_mtime_ns)
    return format_html('<script src="{}" integrity="{}" defer></script>', url, integrity)


@lru_cache
def _file(name: str) -> Path:
    if settings.STATIC_ROOT:
        return Path(settings.STATIC_ROOT) / name
    found = finders.find(name)
    if found is None:
        raise FileNotFoundError(name)
    return Path(found)


@lru_cache
def _integrity(file: Path, _changed_ns: int) -> str:
    """Computed anew for a file that was edited, so that developers need no restart."""
    return "sha384-" + base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()
