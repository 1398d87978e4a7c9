"""What Retell's open sets of values mean to a person: label and tone, decided here only.

Unknown values keep their raw name in the mute tone; nothing breaks when Retell adds one.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with the words and the tone it is shown in."""

    value: str
    label: str
    tone: str = "mute"


class Outcome(models.TextChoices):
    """How a call went, derived in the database from status, reason and analysis."""

    ONGOING = "ongoing", "In progress"
    ERROR = "error", "Error"
    NOT_CONNECTED = "not_connected", "Not connected"
    VOICEMAIL = "voicemail", "Voicemail"
    SUCCESSFUL = "successful", "Successful"
    UNSUCCESSFUL = "unsuccessful", "Unsuccessful"
    ENDED = "ended", "Ended"

    @property
    def tone(self) -> str:
        tones = {"ongoing": "info", "error": "bad", "successful": "ok", "unsuccessful": "warn"}
        return tones.get(self.value, "mute")


# Retell's 39 disconnection reasons (retell-sdk 6.2.13) and retired ones seen in old data.
_REASONS: dict[str, tuple[str, str]] = {
    "user_hangup": ("Caller hung up", "mute"),
    "agent_hangup": ("Agent ended", "mute"),
    "user_requested_dnc": ("Asked not to be called", "warn"),
    "user_requested_callback": ("Asked to be called back", "mute"),
    "call_transfer": ("Transferred", "mute"),
    "transfer_bridged": ("Transfer connected", "mute"),
    "transfer_cancelled": ("Transfer cancelled", "warn"),
    "call_take_over": ("Taken over by a person", "mute"),
    "manual_stopped": ("Stopped by a person", "mute"),
    "voicemail_reached": ("Voicemail", "mute"),
    "ivr_reached": ("Phone menu", "mute"),
    "inactivity": ("Silence limit", "mute"),
    "max_duration_reached": ("Length limit", "warn"),
    "no_concurrency_fallback": ("No free slot, fallback number", "warn"),
    "dial_busy": ("Busy", "mute"),
    "dial_failed": ("Dialling failed", "warn"),
    "dial_no_answer": ("No answer", "mute"),
    "invalid_destination": ("Invalid number", "warn"),
    "user_declined": ("Declined", "mute"),
    "marked_as_spam": ("Marked as spam", "warn"),
    "telephony_provider_permission_denied": ("Telephony: no permission", "bad"),
    "telephony_provider_unavailable": ("Telephony: unavailable", "bad"),
    "sip_routing_error": ("SIP routing error", "bad"),
    "network_blocked": ("Network blocked", "bad"),
    "concurrency_limit_reached": ("No free slot", "bad"),
    "no_valid_payment": ("No valid payment at Retell", "bad"),
    "scam_detected": ("Scam detected by Retell", "bad"),
    "credit_exhausted": ("Retell credit exhausted", "bad"),
    "budget_reached": ("Retell budget reached", "bad"),
    "error_llm_websocket_open": ("LLM error: not reachable", "bad"),
    "error_llm_websocket_lost_connection": ("LLM error: connection lost", "bad"),
    "error_llm_websocket_runtime": ("LLM error: runtime", "bad"),
    "error_llm_websocket_corrupt_payload": ("LLM error: bad answer", "bad"),
    "error_no_audio_received": ("No audio received", "bad"),
    "error_asr": ("Speech recognition error", "bad"),
    "error_retell": ("Retell error", "bad"),
    "error_unknown": ("Unknown error", "bad"),
    "error_user_not_joined": ("Caller did not join", "bad"),
    "registered_call_timeout": ("Dialled too late", "bad"),
    "machine_detected": ("Answering machine", "mute"),
    "error_inbound_webhook": ("Inbound webhook failed", "bad"),
    "error_twilio": ("Twilio error", "bad"),
    "error_frontend_corrupted_payload": ("Corrupted audio from the page", "bad"),
}
_SENTIMENTS = {
    "Positive": Tagged("Positive", "Positive", "ok"),
    "Neutral": Tagged("Neutral", "Neutral", "mute"),
    "Negative": Tagged("Negative", "Negative", "bad"),
}
_STATUSES = {
    "registered": Tagged("registered", "Registered", "info"),
    "ongoing": Tagged("ongoing", "In progress", "info"),
    "ended": Tagged("ended", "Ended", "mute"),
    "not_connected": Tagged("not_connected", "Not connected", "mute"),
    "error": Tagged("error", "Error", "bad"),
}
KNOWN_REASONS = tuple(_REASONS)


def disconnection(reason: str | None) -> Tagged | None:
    """A disconnection reason in words; None when the call has none yet."""
    if not reason:
        return None
    label, tone = _REASONS.get(reason, (reason, "mute"))
    return Tagged(reason, label, tone)


def sentiment(value: str | None) -> Tagged | None:
    if not value:
        return None
    return _SENTIMENTS.get(value, Tagged(value, value))


def status(value: str | None) -> Tagged:
    return _STATUSES.get(value or "", Tagged(value or "", value or "Unknown"))
