"""Filters that live in the URL: forms of GET parameters, what they mean in words, what of a URL
was not understood.

`FilterForm` is the form; a `ListFilter` builds it around a queryset. Whatever a URL says, the form
answers: a parameter that is not known, or a value that cannot be, is ignored, named in a note
beside the list, and explained beside its field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, NamedTuple

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters.fields import IsoDateTimeField

from config.paging import CURSOR_PARAMETERS, Page, with_parameters
from config.templatetags.formats import in_zone, moment

SHOWN_NAME_LENGTH = 40
# Near the ends of time, zones and intervals leave what a datetime can be.
YEARS = range(1900, 9000)
LIMITS = {"first": YEARS.start, "last": YEARS.stop - 1}


class LocalTimeInput(forms.DateTimeInput):
    """The browser's own field for a time. It sends no zone, and shows no time that has one."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class TimeField(IsoDateTimeField):  # type: ignore[misc]  # comes without types
    """A time typed without an offset, read on the clock of `zone`."""

    widget = LocalTimeInput

    def __init__(self, *args: Any, zone: tzinfo = UTC, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def prepare_value(self, value: Any) -> Any:
        """A time with an offset, on the clock of `zone`. Browsers complain of what is no time."""
        try:
            return self.to_python(value)
        except ValidationError:
            return None

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            when: datetime | None = super().to_python(value)
        if when and when.year not in YEARS:
            raise ValidationError(_("Enter a year from %(first)s to %(last)s.") % LIMITS)
        return when and in_zone(when, self.zone)


class TimeFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # comes without types
    field_class = TimeField


_CHOOSING = (django_filters.ChoiceFilter, django_filters.ModelChoiceFilter)


class Shown(NamedTuple):
    """One filter that is set, as a person reads it."""

    name: str
    label: str
    operator: str
    value: str


class FilterForm(forms.Form):
    """None of its fields is required; `search` is the one with a box of its own on the page."""

    search: ClassVar[str] = "q"
    # Where a chip says more than the field's own label and "is".
    labels: ClassVar[Mapping[str, Any]] = {}
    operators: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.NumberInput):
                # A browser would not show what is no number, beside the words that say so.
                field.widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def values(self) -> dict[str, Any]:
        """What is set and was understood, by name."""
        self.is_valid()  # what is not understood is left out of the cleaned data
        values = getattr(self, "cleaned_data", {})
        return {name: values[name] for name in self.fields if is_set(values.get(name))}

    def shown_values(self) -> list[Shown]:
        return [
            Shown(
                name,
                str(self.labels.get(name, self[name].label)),
                str(self.operators.get(name, _("is any of") if is_several(value) else _("is"))),
                self.describe(name, value),
            )
            for name, value in self.values().items()
        ]

    def describe(self, name: str, value: Any) -> str:
        """A value in words."""
        return in_words(self.fields[name], value)

    def chips(self, request: HttpRequest) -> list[dict[str, str]]:
        """The active filters, each with the URL that removes it."""
        return [
            {
                "label": shown.label,
                "operator": shown.operator,
                "value": shown.value,
                "remove_url": with_parameters(request, **{shown.name: None}),
            }
            for shown in self.shown_values()
            if shown.name != self.search
        ]

    def ignored(self, names: Iterable[str], known: Iterable[str] = ()) -> list[str]:
        """What of the parameters `names` was not applied, as sentences; `known` are the page's
        others."""
        own = {*self.fields, *CURSOR_PARAMETERS, *known}
        sentences = [
            _("The filter “%(name)s” is not known and was ignored.")
            % {"name": name[:SHOWN_NAME_LENGTH]}
            for name in names
            if name not in own
        ]
        return sentences + [
            _("“%(label)s” was not understood and was ignored. %(why)s")
            % {"label": self[name].label, "why": " ".join(str(error) for error in errors)}
            for name, errors in self.errors.items()
            if name in self.fields
        ]

    @property
    def search_field(self) -> forms.BoundField:
        return self[self.search]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is set, as it was written: for hidden fields of other forms."""
        return [
            (name, str(value))
            for name, field in self.fields.items()
            for value in as_list(field.widget.value_from_datadict(self.data, self.files, name))
            if is_set(value)
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The same without the search, for the search box's own form."""
        return [pair for pair in self.pairs if pair[0] != self.search]


def ignored_by(page: Page, request: HttpRequest) -> list[str]:
    """For a list that has no filters: what of its URL was not applied."""
    return [*FilterForm(request.GET).ignored(request.GET), *page.notes]


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]  # comes without types
    """A `FilterForm` around a queryset; times typed without an offset are read in `zone`.

    A subclass names its form as `Meta.form`.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        queryset: Any,
        *,
        zone: tzinfo,
        request: HttpRequest | None = None,
    ) -> None:
        super().__init__(data, queryset, request=request)
        for item in self.filters.values():
            if isinstance(item, _CHOOSING):
                item.extra.setdefault("empty_label", gettext_lazy("Any"))
            if isinstance(item, TimeFilter):
                note = gettext_lazy("Time in %(zone)s.") % {"zone": zone}
                item.extra |= {"zone": zone, "help_text": note}

    def given(self) -> dict[str, str]:
        """The filters that are set, as they were written: what this filter takes again."""
        return {name: str(self.data[name]) for name in self.form.fields if self.data.get(name)}


def is_several(value: Any) -> bool:
    """Chosen from several: a list, or the queryset a field of several objects answers."""
    return isinstance(value, list | tuple | QuerySet)


def is_set(value: Any) -> bool:
    return bool(value) if is_several(value) else value is not None and value != ""


def as_list(value: Any) -> list[Any]:
    return list(value) if is_several(value) else [value]


def in_words(field: forms.Field, value: Any) -> str:
    """A cleaned value as a person reads it: the label of a choice, an object's name, a time."""
    if isinstance(value, datetime):
        return f"{moment(value, value.tzinfo)} {value.tzname()}"
    # The choices of a field of objects are a query.
    labels = {} if hasattr(field, "queryset") else flat(getattr(field, "choices", ()))
    return ", ".join(labels.get(str(one), str(one)) for one in as_list(value))


def flat(choices: Any) -> dict[str, str]:
    """Choices by value, also those in groups."""
    found: dict[str, str] = {}
    for value, label in choices:
        found |= flat(label) if isinstance(label, list | tuple) else {str(value): str(label)}
    return found
