"""The API's documents, one a kind of host: made from the code, kept beside it, served as kept.

`python -m config.api.document` writes them anew; a test says when that was forgotten.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import django
from drf_spectacular.generators import SchemaGenerator

FOLDER = Path(__file__).parent
ORGANIZATION, OPERATOR = "config.urls_organization", "config.urls_operator"
FILES = {ORGANIZATION: "openapi.json", OPERATOR: "openapi-operator.json"}
_TITLES = {ORGANIZATION: "Switchboard API", OPERATOR: "Switchboard API of the operator"}
_ABOUT = (
    "Send `Authorization: Bearer …` with an API key, or with the access token of a person's"
    " program. What went wrong is told in problem documents (RFC 9457)."
)


def only_this_version(endpoints: list[Any], **_options: Any) -> list[Any]:
    """What the document is of; called by drf-spectacular."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def generated(urlconf: str) -> dict[str, Any]:
    """What the views say now."""
    generator: Any = SchemaGenerator
    found: dict[str, Any] = generator(urlconf=urlconf).get_schema(request=None, public=True)
    found["info"] |= {"title": _TITLES[urlconf], "description": _ABOUT}
    return found


def as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n"


@cache
def kept(urlconf: str) -> bytes:
    return (FOLDER / FILES[urlconf]).read_bytes()


def write() -> None:
    for urlconf, name in FILES.items():
        (FOLDER / name).write_text(as_text(generated(urlconf)))


if __name__ == "__main__":
    django.setup()
    write()
