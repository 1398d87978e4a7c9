"""JSON for people to read."""

from __future__ import annotations

import json


def indented(text: str) -> str | None:
    """JSON text with line breaks, or None when it is none or too deep to be walked.

    An escape may spell half a character, which no answer could be encoded with; it stays escaped.
    """
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return shown.encode("utf-8", "backslashreplace").decode()
