"""Sessions in the database, read and written at the door.

`SESSION_ENGINE`. A request works as its organization's role, which may not see the table. What a
session's owner wants to know of it (device, address, when last seen) stands in its row, and so a
session that was idle for too long, or lasted too long, is none: on every path.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone

from accounts.models import Membership, Session
from accounts.revocation import announce_sessions
from tenants.scope import door

SIGN_IN_KEY = "sign_in"
TOUCH_EVERY = timedelta(minutes=1)
_KEY = re.compile(r"[a-z0-9]{32}")


def session_id(key: str) -> UUID:
    """What names a session in URLs and links: made from its key, which it does not give away."""
    return UUID(bytes=hashlib.sha256(f"session {key}".encode()).digest()[:16])


class SessionStore(DatabaseSessionStore):
    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        """Only keys as Django makes them; a cookie can hold anything, NUL too."""
        return bool(key and _KEY.fullmatch(key))

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = super()._get_session_from_db()  # type: ignore[misc]  # not in the stubs
        if row is not None and row.has_ended(timezone.now()):
            row.delete()
            self._session_key = None
            return None
        self.row = row
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.id = session_id(row.session_key)
        row.last_seen_at = timezone.now()
        for name, value in data.get(SIGN_IN_KEY, {}).items():
            setattr(row, name, datetime.fromisoformat(value) if name == "signed_in_at" else value)
        return row

    def load(self) -> dict[str, Any]:
        with door():
            return super().load()

    def exists(self, session_key: str) -> bool:
        with door():
            return super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        with door():
            super().save(must_create=must_create)

    def delete(self, session_key: str | None = None) -> None:
        key, row = session_key or self.session_key, self.row
        with door():
            super().delete(session_key)
            if key and row is not None and row.session_key == key:
                announce_sessions([(row.id, row.organization_id)])

    @classmethod
    def clear_expired(cls) -> None:
        """Those whose cookie has run out, and those that were idle for too long."""
        with door():
            super().clear_expired()
            now = timezone.now()
            for row in Session.objects.exclude(limits="").iterator():
                if row.has_ended(now):
                    row.delete()

    def touch(self) -> None:
        """Note that its owner is here; at most once a minute, and not at every request."""
        row, now = self.row, timezone.now()
        if row is None or row.last_seen_at is None or now - row.last_seen_at < TOUCH_EVERY:
            return
        with door():
            Session.objects.filter(pk=row.pk).update(last_seen_at=now)
            Membership.objects.filter(user=row.user_id, organization=row.organization_id).update(
                last_seen_at=now
            )
