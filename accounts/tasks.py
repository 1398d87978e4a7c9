"""Jobs about people."""

from __future__ import annotations

from procrastinate.contrib.django import app

from accounts.sessions import SessionStore


@app.periodic(cron="5 4 * * *")
@app.task(name="accounts.clear_sessions", queueing_lock="accounts.clear_sessions")
def clear_expired_sessions(timestamp: int) -> None:
    """Daily."""
    SessionStore.clear_expired()
