"""Examples of the documentation; a test compares their names with what is answered."""

from __future__ import annotations

CALL = {
    "id": "0193f7c4-8d5e-7aa1-9d53-1f0a6f7c1b2e",
    "status": "ended",
    "outcome": "successful",
    "agent": {
        "id": "0193e001-7a10-7c55-8a7e-6d9a3a1f0c11",
        "retell_agent_id": "agent_7b1e2c",
        "name": "Front desk",
    },
    "agent_version": 4,
    "started_at": "2026-11-12T09:14:03.120000-05:00",
    "ended_at": "2026-11-12T09:16:21.874000-05:00",
    "cost": {"amount": "0.1873", "currency": "USD"},
    "user_sentiment": "Positive",
    "summary": "The caller moved an appointment to Thursday.",
    "source": "webhook",
    "first_seen_at": "2026-11-12T09:14:04.001000-05:00",
    "retell_call_id": "call_5f0c2b7e91d84b",
    "type": "phone_call",
    "direction": "inbound",
    "disconnection_reason": "user_hangup",
    "from_number": "•••• 0142",
    "to_number": "•••• 0100",
    "duration_ms": 138754,
    "latency_p50_ms": "812.00",
    "call_successful": True,
    "in_voicemail": False,
    "is_billable": True,
    "billable_reason": "",
    "test_signal": None,
    "tags": ["moved"],
}
CHAT = {
    "id": "0193f7c9-02b4-7e6e-b8f2-0c1d5a9e7f30",
    "status": "ended",
    "outcome": "ended",
    "agent": None,
    "agent_version": 1,
    "started_at": "2026-11-12T10:00:00-05:00",
    "ended_at": "2026-11-12T10:05:42-05:00",
    "cost": {"amount": "0.021", "currency": "USD"},
    "user_sentiment": "Neutral",
    "summary": "Asked about opening hours.",
    "source": "webhook",
    "first_seen_at": "2026-11-12T10:00:01-05:00",
    "retell_chat_id": "chat_09a1",
    "type": "api_chat",
    "chat_successful": None,
}
ENTRY = {
    "role": "user",
    "content": "Can I come on Thursday instead?",
    "start_ms": 4210,
    "end_ms": 6035,
    "tool_call_id": None,
    "name": None,
    "arguments": None,
    "successful": None,
}
TRANSCRIPT = {"text": "User: Can I come on Thursday instead?", "entries": [ENTRY]}
CHANGE = {"is_billable": False, "reason": "Our own test of the new greeting", "tags": ["test"]}
