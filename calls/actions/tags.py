"""The words an organization sorts its calls by: made when first used."""

from __future__ import annotations

import unicodedata

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from accounts.masking import holds_number
from audit.actions import record
from audit.vocabulary import Action
from calls.models import Call, CallTag, Tag

MAX_TAGS = 20

TAGGED = Action("calls.tagged", "tagged the call {object} as {tag}")
UNTAGGED = Action("calls.untagged", "took the tag {tag} off the call {object}")


class TagError(Exception):
    """The tag cannot be set; the message says why."""


def clean_tag(name: str) -> str:
    """A tag's name as it is kept. Raises `TagError`."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise TagError(_("Write a tag first."))
    if len(name) > Tag.NAME_MAX_LENGTH:
        raise TagError(
            _("A tag has at most %(limit)s characters.") % {"limit": Tag.NAME_MAX_LENGTH}
        )
    # Everybody sees tags, in lists and in the log, where nothing masks them.
    if holds_number(name):
        raise TagError(_("A tag may not hold a phone number: everybody sees it. Write a note."))
    return name


def tag_call(call: Call, *, name: str, tagged_by: str) -> Tag:
    """Set a tag; nothing happens if it is there. Raises `TagError`."""
    name = clean_tag(name)
    with transaction.atomic():
        Call.objects.select_for_update(of=("self",)).only("pk").get(pk=call.pk)
        tag = _tag_named(name)
        tags = CallTag.objects.filter(call=call)
        if tags.filter(tag=tag).exists():
            return tag
        if tags.count() >= MAX_TAGS:
            raise TagError(
                _("A call holds %(limit)s tags. Remove one first.") % {"limit": MAX_TAGS}
            )
        CallTag.objects.create(call=call, tag=tag, tagged_by=tagged_by)
        record(TAGGED, call, details={"tag": tag.name})
    return tag


def untag_call(call: Call, tag: Tag) -> None:
    """Nothing happens if it is not there."""
    with transaction.atomic():
        deleted, _by_model = CallTag.objects.filter(call=call, tag=tag).delete()
        if deleted:
            record(UNTAGGED, call, details={"tag": tag.name})


def _tag_named(name: str) -> Tag:
    """Whatever its case; made if there is none, by whoever comes first."""
    same = Tag.objects.filter(Exact(Lower("name"), Lower(Value(name))))
    tag: Tag | None = same.first()
    if tag is None:
        Tag.objects.bulk_create([Tag(name=name)], ignore_conflicts=True)
        tag = same.get()
    return tag
