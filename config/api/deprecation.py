"""Telling programs early that an address will go: RFC 9745 and RFC 8594."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http.response import HttpResponseBase
from django.utils.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when an address is not to be used any more, when it goes, and where that is told."""

    since: datetime
    ends: datetime
    told_at: str

    def announce(self, response: HttpResponseBase) -> None:
        response.headers["Deprecation"] = f"@{int(self.since.timestamp())}"
        response.headers["Sunset"] = http_date(self.ends.timestamp())
        response.headers["Link"] = f'<{self.told_at}>; rel="deprecation"'
