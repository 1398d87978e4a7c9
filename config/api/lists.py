"""Lists of the API: the same filters as the pages, in pages of their own.

A cursor is signed, and bound to the list, its filters and its organization: with other filters it
is refused, because it would skip what they let in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.response import Response

from config.api.operations import DEFAULT_LIMIT, MOST_ROWS
from config.api.problems import Problem, error, invalid_parameters
from config.api.serializers import Resource, chosen
from config.api.views import ApiView
from config.filtering import SHOWN_NAME_LENGTH, FilterForm
from config.paging import CURSOR_PARAMETERS, keyset_page

OWN_PARAMETERS = ("limit", "fields", "include", *CURSOR_PARAMETERS)
_LIMIT = re.compile(r"[0-9]{1,3}")
Prepare = Callable[[Sequence[Any], set[str]], Any]


class ListView(ApiView):
    """`resource` names the list in cursors; `keys` are what it is sorted by, descending."""

    resource = ""
    keys: tuple[str, ...] = ("id",)
    # The page's form or filter, whose fields are this list's parameters too.
    filter_form: Any = None
    is_list = True

    def page(
        self,
        queryset: QuerySet[Any],
        serializer: type[Resource],
        *,
        form: FilterForm | None = None,
        prepare: Prepare = lambda rows, _included: rows,
    ) -> Response:
        """One page of `queryset`, which `form` has filtered. `prepare` reads, for the rows of a
        page, what they were asked to include."""
        self.check_filters(form)
        options = chosen(self.asked.GET, serializer)
        shown = keyset_page(
            self.asked,
            queryset,
            name=self._cursor_name(form),
            keys=self.keys,
            size=self._limit(),
        )
        both = all(self.asked.GET.get(name) for name in CURSOR_PARAMETERS)
        if shown.notes or both:
            raise _wrong_cursor()
        rows = prepare(shown.rows, set(options["include"]))
        return Response(
            {
                "data": serializer(rows, many=True, **options).data,
                "next": self._absolute(shown.older_url),
                "previous": self._absolute(shown.newer_url),
            }
        )

    def check_filters(self, form: FilterForm | None) -> None:
        """Raises `Problem` for a filter that is not known, or not understood: pages leave such a
        filter away and say so; a program would not see that, and count too much."""
        fields = form.fields if form is not None else {}
        own = OWN_PARAMETERS if self.asked.method in ("GET", "HEAD") else ()
        unknown = [
            error(name[:SHOWN_NAME_LENGTH], _("There is no such parameter."), "unknown")
            for name in self.asked.GET
            if name not in fields and name not in own and name not in self.parameters
        ]
        wrong = [
            error(name, str(message))
            for name, messages in (form.errors if form is not None else {}).items()
            for message in messages
        ]
        if unknown or wrong:
            raise invalid_parameters([*unknown, *wrong])

    def _limit(self) -> int:
        text = self.asked.GET.get("limit", str(DEFAULT_LIMIT))
        if not (
            text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MOST_ROWS
        ):
            sentence = _("Write a whole number from 1 to %(most)s.") % {"most": MOST_ROWS}
            raise invalid_parameters([error("limit", sentence)])
        return int(text)

    def _cursor_name(self, form: FilterForm | None) -> str:
        pairs = sorted(form.pairs) if form is not None else []
        pairs += [(name, self.asked.GET.get(name, "")) for name in sorted(self.parameters)]
        filters = hashlib.sha256(urlencode(pairs).encode()).hexdigest()[:16]
        return f"api:{self.resource}:{filters}"

    def _absolute(self, url: str | None) -> str | None:
        return self.asked.build_absolute_uri(url) if url else None


def _wrong_cursor() -> Problem:
    return Problem(
        400,
        "invalid-cursor",
        _("The cursor is not of this list"),
        _(
            "Use the links next and previous as they are, with the filters they came with; or begin"
            " without a cursor."
        ),
        errors=[error(name, _("Not a cursor of this list."), "cursor") for name in ("after",)],
    )
