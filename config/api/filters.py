"""The filters of pages as parameters of the API's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import django_filters
from django import forms
from drf_spectacular.utils import OpenApiParameter

from config.filtering import FilterForm, TimeFilter

_SEVERAL = (
    django_filters.MultipleChoiceFilter,
    django_filters.ModelMultipleChoiceFilter,
)

_OF_ROWS = (django_filters.ModelChoiceFilter, django_filters.ModelMultipleChoiceFilter)


def parameters_of(filters: Any) -> Iterator[OpenApiParameter]:
    """One for each filter of a filter set, or each field of a form."""
    if filters is None:
        return
    if issubclass(filters, FilterForm):
        for name, field in filters.base_fields.items():
            yield _parameter(name, field.label, _of_field(field))
        return
    for name, item in filters.base_filters.items():
        yield _parameter(name, item.extra.get("label") or item.label, _of_filter(item))


def _parameter(name: str, label: Any, schema: Mapping[str, Any]) -> OpenApiParameter:
    is_array = schema.get("type") == "array"
    return OpenApiParameter(
        name,
        dict(schema),
        OpenApiParameter.QUERY,
        description=str(label or ""),
        style="form" if is_array else None,
        explode=True if is_array else None,
    )


def _of_filter(item: Any) -> dict[str, Any]:
    if isinstance(item, _SEVERAL) or getattr(item, "takes_several", False):
        return {"type": "array", "items": _item(item)}
    if isinstance(item, django_filters.NumberFilter):
        extra = item.extra
        return _or_nothing(
            {"type": "number", "minimum": extra["min_value"], "maximum": extra["max_value"]}
        )
    if isinstance(item, TimeFilter):
        return _or_nothing({"type": "string", "format": "date-time"})
    if isinstance(item, django_filters.CharFilter):
        return {"type": "string", "maxLength": item.extra["max_length"]}
    return _or_empty(_item(item))


def _item(item: Any) -> dict[str, Any]:
    """One value: of a closed set, or (agents, tags, what Retell may add to) any text."""
    if isinstance(
        item, django_filters.ModelChoiceFilter | django_filters.ModelMultipleChoiceFilter
    ):
        return {"type": "string"}
    choices = item.extra.get("choices")
    is_open = getattr(item, "is_open", False) or callable(choices) or not choices
    return (
        {"type": "string"} if is_open else {"type": "string", "enum": [str(c[0]) for c in choices]}
    )


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    """Forms of pages send what was not chosen as an empty text: their URLs count here, too."""
    return schema | {"enum": ["", *schema["enum"]]} if "enum" in schema else schema


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """As `_or_empty`, of what is no choice."""
    return {"anyOf": [schema, {"type": "string", "maxLength": 0}]}


def _of_field(field: forms.Field) -> dict[str, Any]:
    if isinstance(field, forms.ChoiceField):
        values = [
            str(value) for value, _label in cast(list[tuple[str, str]], field.choices) if value
        ]
        return _or_empty({"type": "string", "enum": values})
    length = getattr(field, "max_length", None)
    return {"type": "string", "maxLength": length} if length else {"type": "string"}
