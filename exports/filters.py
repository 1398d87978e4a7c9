"""Filters of the list of exports. They live in the URL."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.filtering import FilterForm, ListFilter, TimeFilter
from exports.models import Export, Format, State
from exports.querysets import ExportQuerySet
from exports.subjects import Subject


class ExportFilterForm(FilterForm):
    labels: ClassVar = {"asked_after": _("Asked for"), "asked_before": _("Asked for")}
    operators: ClassVar = {
        "asked_after": _("from"),
        "asked_before": _("before"),
        "q": _("contains"),
    }


class ExportFilter(ListFilter):
    """`people`: who asked for what this person may see, themselves alone for most."""

    q = django_filters.CharFilter(method="search", label=_("Name or person"), max_length=100)
    state = django_filters.ChoiceFilter(method="by_state", choices=State.choices, label=_("State"))
    subject = django_filters.ChoiceFilter(choices=Subject.choices, label=_("What is in it"))
    format = django_filters.ChoiceFilter(choices=Format.choices, label=_("Format"))
    person = django_filters.ChoiceFilter("asked_by_id", label=_("Asked for by"))
    asked_after = TimeFilter("asked_at", "gte", label=_("From"))
    asked_before = TimeFilter("asked_at", "lt", label=_("Until"))

    class Meta:
        model = Export
        form = ExportFilterForm
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, people: list[tuple[UUID, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.filters["person"].extra["choices"] = [(str(person), name) for person, name in people]

    def search(self, exports: ExportQuerySet, name: str, value: str) -> ExportQuerySet:
        """Of a file that is not made yet the job has the name."""
        text = value.strip()
        named = Q(name__icontains=text) | Q(name="", job__title__icontains=text)
        return exports.filter(named | Q(asked_by__icontains=text))

    def by_state(self, exports: ExportQuerySet, name: str, value: str) -> ExportQuerySet:
        return exports.in_state(State(value), timezone.now())
