"""What all records have in common: nothing secret is shown, asked for or told by a detour.

Fields are always listed: what a model gets later stays away until somebody thinks of it. Django
would also filter by any column of a model that a URL names, and so answer, letter by letter, what
a password's hash or a session's key is; here a URL names the filters of its list and nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst

SEARCH_MAX_LENGTH = 200
# What may follow a filter's name in a URL: what Django's own links have there. Not `regex`.
_LOOKUPS = frozenset({"", "exact", "gte", "lt", "isnull", "isempty", "year", "month", "day"})
NOT_UNDERSTOOD = "The filter in that address was not understood. Everything is shown instead."


class Link(NamedTuple):
    label: str
    url: str


def organization_page(organization_id: object) -> Link:
    return Link(
        "Open the organization", reverse("operations:organization_detail", args=[organization_id])
    )


def _check_time(value: Any) -> None:
    """A time without its zone says nothing: Django's own links have one."""
    moment = parse_datetime(str(value))  # ValueError for the 45th of a month
    if moment is not None and timezone.is_naive(moment):
        raise IncorrectLookupParameters


class RecordList(ChangeList):
    """A list that names rows in URLs by `key_name`, and is nobody's pop-up window."""

    model_admin: RecordAdmin

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.title = capfirst(str(self.opts.verbose_name_plural))
        self.is_popup = False  # a pop-up's links hold the primary key

    def url_for_result(self, result: Model) -> str:
        return self.model_admin.url_of("change", result)


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in stubs only
    """One kind of record. `note` says what changes it, and `link` leads there."""

    note = ""
    # The field that names a record in URLs.
    key_name = "pk"
    # Whether the audit log speaks of records of this kind.
    has_history = True
    actions: Any = None
    view_on_site = False
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def link(self, record: Any | None) -> Link | None:
        """Where records like this, or this one, are changed or explained."""
        return None

    def url_of(self, page: str, record: Model) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[quote(getattr(record, self.key_name))])

    # --- What a URL may ask for ------------------------------------------------------------------

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        name, _, rest = lookup.partition("__")
        if name not in self._filters() or rest not in _LOOKUPS:
            return False
        _check_time(value)
        return self._is_choice(name, rest, value)

    def _is_choice(self, name: str, rest: str, value: Any) -> bool:
        """The database itself refuses to compare with what is none, and that is an error."""
        columns = {field.name: getattr(field, "choices", None) for field in self.opts.fields}
        choices = columns.get(name)
        if not choices or rest == "isnull":
            return True
        return rest == "exact" and value in {str(choice) for choice, _ in choices}

    def _filters(self) -> set[str]:
        names = {self.date_hierarchy} if self.date_hierarchy else set()
        for item in self.list_filter:
            first: Any = item[0] if isinstance(item, list | tuple) else item
            names.add(first if isinstance(first, str) else first.parameter_name)
        return names

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Records are found by their key only."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, search_term[:SEARCH_MAX_LENGTH])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError) as error:  # such as a day of the year 99999
            raise IncorrectLookupParameters from error

    # --- Pages -----------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if ERROR_FLAG in request.GET:  # Django leads here from an address it cannot read
            self.message_user(request, NOT_UNDERSTOOD, messages.WARNING)
            return redirect(request.path)
        context = {"note": self.note, "link": self.link(None), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        record = context.get("original")
        context |= {"note": self.note, "link": self.link(record)}
        if record is not None:
            context["title"] = capfirst(self.opts.verbose_name)
            context["history_url"] = self.url_of("history", record) if self.has_history else ""
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the audit log says of it, of whatever page it was changed on."""
        record = self.get_object(request, unquote(object_id))
        if record is None:
            found: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]  # not in the stubs
                request, self.opts, object_id
            )
            return found
        name = f"{self.opts.label_lower}:{getattr(record, self.key_name)}"
        return redirect(f"{reverse('audit:list')}?object={name}")

    # --- Django's own log of the admin -----------------------------------------------------------
    # Not written: it can be changed, and knows only of this page. Actions write the audit log.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any: ...


class ReadOnlyAdmin(RecordAdmin):
    """Looked at here, changed by actions elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in stubs only
    """Records that belong to the one that is open."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
