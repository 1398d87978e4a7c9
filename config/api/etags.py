"""Entity tags: `"<version>-<content>"` of one thing, `"<content>"` of a list.

The version stands for what a change looks at; the content for what was sent, which `fields` and
`include` make more or less of.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from rest_framework.utils.encoders import JSONEncoder

from config.api.problems import Problem

_LENGTH = 16


def version_of(data: Any) -> str:
    """Of one thing as the API shows it whole."""
    return digest(json.dumps(data, cls=JSONEncoder, sort_keys=True).encode())


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_LENGTH]


def etag(content: bytes, version: str = "") -> str:
    return f'"{version}-{digest(content)}"' if version else f'"{digest(content)}"'


def is_known(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names what would be sent."""
    known = parse_etags(header)
    return "*" in known or any(one.removeprefix("W/") == tag for one in known)


def check_version(header: str, version: str) -> None:
    """Raises `Problem` 412 when `If-Match` names another version than there is now."""
    wanted = parse_etags(header)
    if not header or "*" in wanted:
        return
    # Weak tags never match here (RFC 9110).
    if not any(one.strip('"').partition("-")[0] == version for one in wanted):
        raise Problem(
            412,
            "changed-meanwhile",
            _("It was changed meanwhile"),
            _("Nothing was changed. Read it again, and decide whether the change still fits."),
        )
