"""Views of the calls list that people keep, and how each wants the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.masking import holds_number
from accounts.models import User
from audit.actions import record
from audit.vocabulary import Action, Kind
from calls.models import ListPreference, SavedView
from calls.selection import Selection

MOST_VIEWS = 50

SAVED = Action("calls.view_saved", "saved the view {object} of calls", Kind.CREATE)
RENAMED = Action("calls.view_renamed", "renamed the view {object} of calls")
CHANGED = Action("calls.view_changed", "changed what the view {object} of calls shows")
DELETED = Action("calls.view_deleted", "deleted the view {object} of calls", Kind.DELETE)
OPENS_WITH = Action("calls.view_default", "has the list of calls open with {what}")
COLUMNS_CHOSEN = Action("calls.columns_chosen", "chose the columns of their list of calls")


class ViewError(Exception):
    """The view cannot be kept like this; the message says why."""


def save_view(
    selection: Selection, *, name: str, columns: Sequence[str], user: User, is_shared: bool
) -> SavedView:
    """Keep a filter under a name, for oneself or for everybody. Raises `ViewError`."""
    owner = None if is_shared else user.pk
    _check(name, selection, is_shared=is_shared)
    if SavedView.objects.filter(owner_id=owner).count() >= MOST_VIEWS:
        raise ViewError(
            _("There are %(most)s views already. Delete one first.") % {"most": MOST_VIEWS}
        )
    view = SavedView(
        name=name, query=selection.query, columns=list(columns), owner_id=owner,
        made_by=user.audit_label,
    )  # fmt: skip
    with _unique_name(), transaction.atomic():
        view.save(force_insert=True)
        record(SAVED, view, details={"filter": selection.text, "for": _audience(view)})
    return view


def rename_view(view: SavedView, *, name: str) -> None:
    """Raises `ViewError`."""
    before, view.name = view.name, name
    if before == name:
        return
    _check_name(name, is_shared=view.is_shared)
    with _unique_name(), transaction.atomic():
        view.save(update_fields=["name"])
        record(RENAMED, view, changes={"name": [before, name]})


def change_view(view: SavedView, selection: Selection, *, columns: Sequence[str]) -> None:
    """Let a view show what is chosen now. Raises `ViewError`."""
    _check(view.name, selection, is_shared=view.is_shared)
    view.query, view.columns = selection.query, list(columns)
    with transaction.atomic():
        view.save(update_fields=["query", "columns"])
        record(CHANGED, view, details={"filter": selection.text})


def change_columns(view: SavedView, *, columns: Sequence[str]) -> None:
    with transaction.atomic():
        SavedView.objects.filter(pk=view.pk).update(columns=list(columns))
        record(CHANGED, view, details={"columns": ", ".join(columns) or "the usual ones"})


def delete_view(view: SavedView) -> None:
    """Whoever opens the list with it sees all calls again."""
    with transaction.atomic():
        record(DELETED, view, details={"for": _audience(view)})
        view.delete()


def open_with(view: SavedView | None, *, person_id: UUID) -> None:
    """What somebody's list shows when nothing is chosen; None: all calls."""
    with transaction.atomic():
        ListPreference.objects.update_or_create(
            person_id=person_id, defaults={"default_view": view}
        )
        record(OPENS_WITH, details={"what": f"the view “{view}”" if view else "all calls"})


def choose_columns(person_id: UUID, *, columns: Sequence[str], is_compact: bool) -> None:
    """Remember how somebody wants the list; empty: the usual columns."""
    with transaction.atomic():
        ListPreference.objects.update_or_create(
            person_id=person_id, defaults={"columns": list(columns), "is_compact": is_compact}
        )
        record(COLUMNS_CHOSEN, details={"columns": ", ".join(columns) or "the usual ones"})


def _audience(view: SavedView) -> str:
    return "everybody" if view.is_shared else "themselves"


def _check(name: str, selection: Selection, *, is_shared: bool) -> None:
    _check_name(name, is_shared=is_shared)
    if is_shared and holds_number(selection.searched):
        raise ViewError(_("A view for everybody may not hold a phone number: some see it masked."))


def _check_name(name: str, *, is_shared: bool) -> None:
    if is_shared and holds_number(name):
        raise ViewError(_("A name that everybody sees may not hold a phone number."))


@contextmanager
def _unique_name() -> Iterator[None]:
    """Names are unique among one's own views, and among those for everybody."""
    try:
        yield
    except IntegrityError as error:
        if "view_name_unique" not in str(error):
            raise
        raise ViewError(_("There is a view of this name already. Choose another.")) from None
