"""Sessions in the database, read and written at the door.

`SESSION_ENGINE`. A request works as its organization's role, which may not see the table.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from tenants.scope import door

_KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(DatabaseSessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Only keys as Django makes them; a cookie can hold anything, NUL too."""
        return bool(key and _KEY.fullmatch(key))

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
        with door():
            super().delete(session_key)

    @classmethod
    def clear_expired(cls) -> None:
        with door():
            super().clear_expired()
