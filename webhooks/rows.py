"""The rows that deliveries lead to, as far as telling whether one changed."""

from __future__ import annotations

from django.db import connection

from webhooks.retell import Action, Parsed

_FINGERPRINTS = {
    Action.CALL: "SELECT retell_call_id, hashtextextended(t::text, 0) FROM calls_call t"
    " WHERE retell_call_id = ANY(%s)",
    Action.CHAT: "SELECT retell_chat_id, hashtextextended(t::text, 0) FROM calls_chat t"
    " WHERE retell_chat_id = ANY(%s)",
    Action.ALERT: "SELECT incident_id, hashtextextended(t::text, 0) FROM calls_retellalert t"
    " WHERE incident_id = ANY(%s)",
}


def fingerprint(parsed: Parsed) -> int | None:
    """Another one after any change to the row; None when there is none."""
    return fingerprints(parsed.action, [parsed.subject_id]).get(parsed.subject_id)


def fingerprints(action: str, subject_ids: list[str]) -> dict[str, int]:
    """Those of the rows that there are."""
    statement = _FINGERPRINTS.get(action)
    if statement is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement, [subject_ids])
        return dict(cursor.fetchall())
