"""How somebody is called, and how times are shown to them."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from audit.actions import changes_between, record
from audit.vocabulary import Action
from tenants.scope import door

CHANGED = Action("accounts.profile_changed", "changed their profile")

FIELDS = ("name", "time_zone", "language")


def change_profile(user: User, *, name: str, time_zone: str, language: str) -> None:
    """`time_zone`: empty for the organization's."""
    with door(), transaction.atomic():
        old = User.objects.select_for_update().get(pk=user.pk)
        user.name, user.time_zone, user.language = name, time_zone, language
        changes = changes_between(old, user, FIELDS)
        if changes:
            user.save(update_fields=FIELDS)
            record(CHANGED, changes=changes)
