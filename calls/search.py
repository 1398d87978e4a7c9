"""Free text in transcripts: PostgreSQL's full text search, and the passages that matched.

Words are found in any of their English forms; words of other languages as they are written. The
query is what people know from the web: `refund OR credit`, `"next week"`, `-voicemail`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchVectorField
from django.db import models
from django.db.models import F, Func

CONFIG = "english"
# Around a match in what the database answers; a transcript that holds them itself loses them.
_START, _STOP = "\ue000", "\ue001"
_MATCH = re.compile(f"{_START}([^{_START}{_STOP}]*){_STOP}")
_OPTIONS: dict[str, Any] = {
    "start_sel": _START,
    "stop_sel": _STOP,
    "max_fragments": 2,
    "max_words": 16,
    "min_words": 6,
    "fragment_delimiter": " … ",
}


class TranscriptWords(Func):
    """Literal, so that the index `call_words` is found, and cut: a text search vector that is too
    long would be an error, and keep the call out.

    The words of about two hours of talking stand in the first hundred thousand characters.
    """

    template = "to_tsvector('english', left(%(expressions)s, 100000))"
    output_field = SearchVectorField()


class WithoutDigits(Func):
    """Each digit as a dot, however long the number it belongs to."""

    template = r"regexp_replace(%(expressions)s, '\d', '•', 'g')"
    output_field = models.TextField()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a passage."""

    text: str
    is_match: bool


class FromItsEnd(Func):
    """A number read backwards, without the host of a SIP address: by its first characters an index
    finds the last ones of the number.

    Literal, so that the indexes `call_from_end` and `call_to_end` are found.
    """

    template = "reverse(split_part(%(expressions)s, '@', 1))"
    output_field = models.TextField()


def query(text: str) -> SearchQuery:
    return SearchQuery(text, config=CONFIG, search_type="websearch")


def passages(
    calls: models.QuerySet[Any], text: str, *, sees_personal_data: bool
) -> dict[UUID, list[Part]]:
    """Of some calls, a page of them, the places where `text` stands in the transcript. One query.

    Who sees masked numbers sees no digit at all: a passage may begin inside of a number.
    """
    transcript: Any = F("transcript") if sees_personal_data else WithoutDigits("transcript")
    headline = SearchHeadline(transcript, query(text), config=CONFIG, **_OPTIONS)
    rows = calls.annotate(words=TranscriptWords("transcript")).filter(words=query(text))
    return {pk: parts(passage) for pk, passage in rows.values_list("pk", headline)}


def parts(passage: str) -> list[Part]:
    """A passage as the database marked it, in pieces; every other one is a match."""
    pieces = _MATCH.split(passage)
    return [
        Part(re.sub(f"[{_START}{_STOP}]", "", piece), is_match=bool(number % 2))
        for number, piece in enumerate(pieces)
        if piece
    ]
