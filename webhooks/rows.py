"""The rows that deliveries lead to, as far as telling whether one changed."""

from __future__ import annotations

from django.db import connection

from webhooks.retell import Action, Parsed

_FINGERPRINTS = {
    Action.CALL: "SELECT hashtextextended(t::text, 0) FROM calls_call t WHERE retell_call_id = %s",
    Action.CHAT: "SELECT hashtextextended(t::text, 0) FROM calls_chat t WHERE retell_chat_id = %s",
    Action.ALERT: "SELECT hashtextextended(t::text, 0) FROM calls_retellalert t"
    " WHERE incident_id = %s",
}


def fingerprint(parsed: Parsed) -> int | None:
    """Another one after any change to the row; None when there is none."""
    statement = _FINGERPRINTS.get(parsed.action)
    if statement is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(statement, [parsed.subject_id])
        row = cursor.fetchone()
    return int(row[0]) if row else None
