"""Filters of the audit log. They live in the URL."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from audit import vocabulary
from audit.models import OPERATOR_CHAIN, Entry
from audit.querysets import EntryQuerySet
from audit.vocabulary import Kind
from config.filtering import FilterForm, ListFilter, TimeFilter
from tenants.models import Organization

NOBODY = "none"
_KINDS = (
    (Kind.CREATE.value, lazy("Made something")),
    (Kind.UPDATE.value, lazy("Changed something")),
    (Kind.DELETE.value, lazy("Removed something")),
    (Kind.ACCESS.value, lazy("Came in or read")),
)


def action_label(action: vocabulary.Action) -> str:
    """ "Renamed the agent …" """
    text = re.sub(r"\{\w+\}", "…", action.phrase)
    return text[:1].upper() + text[1:]


def _actions() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every kind of entry, by the part of the product it belongs to."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, action in vocabulary.declared().items():
        group = code.partition(".")[0].capitalize()
        groups.setdefault(group, []).append((code, action_label(action)))
    return list(groups.items())


class EntryFilterForm(FilterForm):
    operators: ClassVar = {"since": _("from"), "until": _("before"), "q": _("contains")}
    labels: ClassVar = {"since": _("Time"), "until": _("Time")}

    def describe(self, name: str, value: Any) -> str:
        if name == "organization":
            return str(value[1])
        if name == "object":
            kind, __, key = value.partition(":")
            newest = Entry.objects.filter(object_type=kind, object_pk=key).newest_first().first()
            return str(newest.object_repr if newest else value)
        return super().describe(name, value)


class EntryFilter(ListFilter):
    """One organization's log."""

    q = django_filters.CharFilter(method="search", label=lazy("Person or object"), max_length=100)
    person = django_filters.ChoiceFilter(method="by_person", label=lazy("Person"))
    action = django_filters.ChoiceFilter("code", choices=_actions, label=lazy("Action"))
    kind = django_filters.ChoiceFilter("action", choices=_KINDS, label=lazy("Kind"))
    acting = django_filters.ChoiceFilter(
        method="by_acting",
        choices=(("operator", lazy("An operator inside")),),
        label=lazy("Acting as"),
    )
    object = django_filters.CharFilter(
        method="by_object", label=lazy("Object"), max_length=330, widget=forms.HiddenInput()
    )
    since = TimeFilter("timestamp", "gte", label=lazy("From"))
    until = TimeFilter("timestamp", "lt", label=lazy("Until"))

    class Meta:
        model = Entry
        form = EntryFilterForm
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, people: list[tuple[UUID, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(person), label) for person, label in people]
        self.filters["person"].extra["choices"] = [*choices, (NOBODY, _("Jobs and commands"))]

    def search(self, entries: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        text = value.strip()
        return entries.filter(Q(actor_label__icontains=text) | Q(object_repr__icontains=text))

    def by_person(self, entries: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        if value == NOBODY:
            return entries.filter(actor_id__isnull=True)
        return entries.filter(actor_id=value)

    def by_acting(self, entries: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        return entries.exclude(acting_as="")

    def by_object(self, entries: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        """`agents.agent:0193…`, as the links named History have it."""
        kind, __, key = value.partition(":")
        return entries.filter(object_type=kind, object_pk=key)


def chosen_chain(text: str) -> tuple[UUID | None, str] | None:
    """The chain of an organization's short name, or of "operator", with what people call it."""
    slug = text.strip().lower()
    if slug == OPERATOR_CHAIN:
        return None, "the operator’s own"
    organization = Organization.objects.filter(slug=slug).first() if slug else None
    return (organization.pk, organization.name) if organization else None


class ChainField(forms.CharField):
    """Cleaned to what `chosen_chain` answers."""

    def clean(self, value: Any) -> tuple[UUID | None, str] | None:
        text = super().clean(value)
        chain = chosen_chain(text)
        if text and chain is None:
            raise ValidationError(_("There is no such organization."))
        return chain


class ChainFilter(django_filters.CharFilter):  # type: ignore[misc]  # comes without types
    field_class = ChainField


class OperatorEntryFilter(EntryFilter):
    """All chains, or one."""

    organization = ChainFilter(
        method="by_chain",
        label=lazy("Organization"),
        max_length=64,
        help_text=lazy("Its short name; “operator” for what belongs to none."),
    )

    def by_chain(
        self, entries: EntryQuerySet, name: str, value: tuple[UUID | None, str]
    ) -> EntryQuerySet:
        return entries.of_chain(value[0])
