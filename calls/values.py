"""Any JSON value as a page shows it: by its own type, nested ones as lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

MAX_DEPTH = 4
MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Value:
    """`kind` text, flag, none, list or fields; `items` are Values, or (label, Value) pairs."""

    kind: str
    text: str = ""
    is_true: bool = False
    items: tuple[Any, ...] = ()
    left_out: int = 0


def value_of(value: Any, depth: int = 0) -> Value:
    if isinstance(value, bool):
        return Value("flag", _("Yes") if value else _("No"), is_true=value)
    if value is None or value in ("", [], {}):
        return Value("none")
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return Value("text", json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(value, dict):
        items = [(label_of(name), value_of(v, depth + 1)) for name, v in _some(value.items())]
        return Value("fields", items=tuple(items), left_out=max(0, len(value) - MAX_ITEMS))
    if isinstance(value, list):
        shown = tuple(value_of(item, depth + 1) for item in _some(value))
        return Value("list", items=shown, left_out=max(0, len(value) - MAX_ITEMS))
    return Value("text", str(value))


def fields_of(value: Any) -> list[tuple[str, Value]]:
    """The (label, Value) pairs of an object; none of anything else."""
    if not isinstance(value, Mapping):
        return []
    return [(label_of(name), value_of(item)) for name, item in _some(value.items())]


def label_of(name: str) -> str:
    """ "follow_up_needed" -> "Follow up needed"; what is written otherwise stays."""
    text = str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else "—"


def _some(items: Any) -> list[Any]:
    return list(items)[:MAX_ITEMS]
