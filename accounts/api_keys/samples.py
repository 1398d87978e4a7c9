"""First requests to copy, and the limits that are told beside them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

PLACEHOLDER = "$SWITCHBOARD_KEY"

_CURL = """curl --fail-with-body \\
  --header "Authorization: Bearer {key}" \\
  "{url}"
"""
_PYTHON = """import json
import os
import urllib.request

request = urllib.request.Request(
    "{url}",
    headers={{"Authorization": "Bearer " + {key}}},
)
with urllib.request.urlopen(request) as answer:
    page = json.load(answer)
for row in page["data"]:
    print(row["id"])
print("older:", page["next"])
"""


def first_requests(request: HttpRequest, key: str = "") -> list[tuple[str, str]]:
    """(language, text): the newest things of this host, with a key if it is known now."""
    thing = "calls" if getattr(request, "organization", None) else "organizations"
    url = request.build_absolute_uri(f"/api/v1/{thing}?limit=5")
    in_python = f'"{key}"' if key else 'os.environ["SWITCHBOARD_KEY"]'
    return [
        ("curl", _CURL.format(key=key or PLACEHOLDER, url=url)),
        ("Python", _PYTHON.format(key=in_python, url=url)),
    ]


def limits() -> list[tuple[str, str, bool]]:
    """For `components/facts.html`: of one key, or of one person's programs together."""
    rates = (
        (_("Reads"), settings.API_READ_LIMIT),
        (_("Writes"), settings.API_WRITE_LIMIT),
        (_("Exports"), settings.EXPORT_LIMIT),
    )
    return [(name, _in_words(rate), False) for name, rate in rates]


def _in_words(rate: str) -> str:
    """ "600/m" → "600 a minute"."""
    number, _slash, period = rate.partition("/")
    units = {"s": _("a second"), "m": _("a minute"), "h": _("an hour"), "d": _("a day")}
    unit = units.get(period[-1:], period)
    return f"{int(number):,} {unit}" if period in units else f"{int(number):,} / {period}"
