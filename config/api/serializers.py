"""Serializers that name their fields, and give fewer or more of them when asked to.

`fields=id,cost` leaves the others out; `include=transcript` adds what a serializer lists as
`Meta.includes`, which is never there by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.masking import shown_number, shown_text
from config.api import etags
from config.api.problems import error, invalid_parameters


class Resource(serializers.Serializer[Any]):
    """One kind of thing that is read."""

    includes: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        instance: Any = None,
        *args: Any,
        fields: Iterable[str] = (),
        include: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(instance, *args, **kwargs)
        self.wanted, self.added = set(fields), set(include)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        found = super().get_fields()
        shown = self.wanted or found.keys() - set(self.includes)
        return {name: one for name, one in found.items() if name in shown | self.added}

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> Any:
        """The list's child gets what was chosen, too."""
        chosen_fields = {name: kwargs.pop(name, ()) for name in ("fields", "include")}
        kwargs["child"] = cls(*args, **chosen_fields)
        return serializers.ListSerializer(*args, **_of_list(kwargs))

    @classmethod
    def version_of(cls, row: Any) -> str:
        """What a change of it looks at: everything that is shown when nothing is chosen."""
        return etags.version_of(cls(row).data)

    @classmethod
    def names(cls) -> list[str]:
        return [name for name in cls._declared_fields if name not in cls.includes]


def _of_list(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "many"}


def chosen(parameters: Mapping[str, str], serializer: type[Resource]) -> dict[str, list[str]]:
    """`fields` and `include` of a URL. Raises `Problem` for names that there are not."""
    known = {"fields": serializer.names(), "include": list(serializer.includes)}
    found = {name: _names(parameters[name]) if name in parameters else [] for name in known}
    wrong = [
        error(
            name,
            _("There is no “%(one)s”; there are: %(all)s.")
            % {"one": one[:40], "all": ", ".join(known[name]) or "—"},
            "unknown",
        )
        for name, ones in found.items()
        for one in ones
        if one not in known[name]
    ]
    if wrong:
        raise invalid_parameters(wrong)
    return found


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


class Body(serializers.Serializer[Any]):
    """What a request sends. A field that there is not is refused: a misspelt one would otherwise
    do nothing, and look as if it had."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else ()
        if unknown:
            sentence = _("There is no such field.")
            raise serializers.ValidationError(
                {str(name)[:40]: [sentence] for name in sorted(unknown)}, code="unknown"
            )
        wrong = [
            name
            for name, field in self.fields.items()
            if isinstance(data, Mapping) and not _is_of_its_type(field, data.get(name))
        ]
        if wrong:
            sentence = _("This is of another type than the documentation says.")
            raise serializers.ValidationError({name: [sentence] for name in wrong}, code="type")
        return super().to_internal_value(data)


def _is_of_its_type(field: serializers.Field[Any, Any, Any, Any], value: Any) -> bool:
    """DRF takes 0 for "0" and "no" for false: what somebody did not mean would be done."""
    if value is None:
        return True
    if isinstance(field, serializers.BooleanField):
        return isinstance(value, bool)
    if isinstance(field, serializers.CharField):
        return isinstance(value, str)
    if isinstance(field, serializers.ListField):
        return isinstance(value, list) and all(_is_of_its_type(field.child, one) for one in value)
    return True


def read(serializer: type[Body], data: Any) -> dict[str, Any]:
    """What a body says. Raises DRF's `ValidationError`, which becomes a problem document."""
    taken = serializer(data=data)
    taken.is_valid(raise_exception=True)
    found: dict[str, Any] = taken.validated_data
    return found


class NumberField(serializers.CharField):
    """A phone number, masked for who may not see it whole."""

    def to_representation(self, value: Any) -> Any:
        return shown_number(value)


class SpokenField(serializers.CharField):
    """A text that may hold numbers, masked as above."""

    def to_representation(self, value: Any) -> Any:
        return shown_text(value)


class MoneySerializer(serializers.Serializer[Any]):
    """Exactly as it was charged: a decimal number as text, and its currency."""

    amount = serializers.CharField(help_text="Decimal number, such as “0.1873”.")
    currency = serializers.CharField(help_text="ISO 4217.")


@extend_schema_field(MoneySerializer)
class MoneyField(serializers.Field[Any, Any, Any, Any]):
    """US cents, as Retell charges them, in dollars."""

    def to_representation(self, value: Decimal) -> dict[str, str]:
        return money(value)


def money(cents: Decimal) -> dict[str, str]:
    dollars = (Decimal(cents) / 100).normalize()
    return {"amount": f"{dollars:f}", "currency": "USD"}
