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


# Retell's 39 disconnection reasons (retell-sdk 6.2.13) and retired ones seen in old data: label,
# tone, and the status of a call that ended for it.
_REASONS: dict[str, tuple[str, str, str]] = {
    "user_hangup": ("Caller hung up", "mute", "ended"),
    "agent_hangup": ("Agent ended", "mute", "ended"),
    "user_requested_dnc": ("Asked not to be called", "warn", "ended"),
    "user_requested_callback": ("Asked to be called back", "mute", "ended"),
    "call_transfer": ("Transferred", "mute", "ended"),
    "transfer_bridged": ("Transfer connected", "mute", "ended"),
    "transfer_cancelled": ("Transfer cancelled", "warn", "ended"),
    "call_take_over": ("Taken over by a person", "mute", "ended"),
    "manual_stopped": ("Stopped by a person", "mute", "ended"),
    "voicemail_reached": ("Voicemail", "mute", "ended"),
    "ivr_reached": ("Phone menu", "mute", "ended"),
    "inactivity": ("Silence limit", "mute", "ended"),
    "max_duration_reached": ("Length limit", "warn", "ended"),
    "no_concurrency_fallback": ("No free slot, fallback number", "warn", "ended"),
    "dial_busy": ("Busy", "mute", "not_connected"),
    "dial_failed": ("Dialling failed", "warn", "not_connected"),
    "dial_no_answer": ("No answer", "mute", "not_connected"),
    "invalid_destination": ("Invalid number", "warn", "not_connected"),
    "user_declined": ("Declined", "mute", "not_connected"),
    "marked_as_spam": ("Marked as spam", "warn", "not_connected"),
    "telephony_provider_permission_denied": ("Telephony: no permission", "bad", "not_connected"),
    "telephony_provider_unavailable": ("Telephony: unavailable", "bad", "not_connected"),
    "sip_routing_error": ("SIP routing error", "bad", "not_connected"),
    "network_blocked": ("Network blocked", "bad", "not_connected"),
    "concurrency_limit_reached": ("No free slot", "bad", "error"),
    "no_valid_payment": ("No valid payment at Retell", "bad", "error"),
    "scam_detected": ("Scam detected by Retell", "bad", "error"),
    "credit_exhausted": ("Retell credit exhausted", "bad", "error"),
    "budget_reached": ("Retell budget reached", "bad", "error"),
    "error_llm_websocket_open": ("LLM error: not reachable", "bad", "error"),
    "error_llm_websocket_lost_connection": ("LLM error: connection lost", "bad", "error"),
    "error_llm_websocket_runtime": ("LLM error: runtime", "bad", "error"),
    "error_llm_websocket_corrupt_payload": ("LLM error: bad answer", "bad", "error"),
    "error_no_audio_received": ("No audio received", "bad", "error"),
    "error_asr": ("Speech recognition error", "bad", "error"),
    "error_retell": ("Retell error", "bad", "error"),
    "error_unknown": ("Unknown error", "bad", "error"),
    "error_user_not_joined": ("Caller did not join", "bad", "error"),
    "registered_call_timeout": ("Dialled too late", "bad", "error"),
    "machine_detected": ("Answering machine", "mute", "ended"),
    "error_inbound_webhook": ("Inbound webhook failed", "bad", "error"),
    "error_twilio": ("Twilio error", "bad", "error"),
    "error_frontend_corrupted_payload": ("Corrupted audio from the page", "bad", "error"),
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
    label, tone, _ = _REASONS.get(reason, (reason, "mute", ""))
    return Tagged(reason, label, tone)


def end_status(reason: str | None) -> str:
    """The status of a call that is over, where Retell's own does not say so yet."""
    if reason in _REASONS:
        return _REASONS[reason][2]
    return "error" if reason and reason.startswith("error_") else "ended"


def sentiment(value: str | None) -> Tagged | None:
    if not value:
        return None
    return _SENTIMENTS.get(value, Tagged(value, value))


def status(value: str | None) -> Tagged:
    return _STATUSES.get(value or "", Tagged(value or "", value or "Unknown"))
