"""What Retell keeps of a workspace: keys, agents with their versions, calls, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from operations.demo.pricing import call_cost
from operations.demo.stories import Body, to_ms

DEFAULT_EVENTS = ("call_started", "call_ended", "call_analyzed")
EVENTS = {
    "voice": {
        *DEFAULT_EVENTS, "transcript_updated",
        "transfer_started", "transfer_bridged", "transfer_cancelled", "transfer_ended",
    },
    "chat": {"chat_started", "chat_ended", "chat_analyzed", "transcript_updated"},
}  # fmt: skip
PRODUCTS = ("retell_voice_engine", "elevenlabs_tts_03_2026", "gpt_4_1", "us_twilio_telephony")
MEDIA = "https://media.example.com/calls"
_DAY_MS = 24 * 3600 * 1000


class Refusal(Exception):
    """An answer that is no success; Retell's errors are `{"status": "error", "message": …}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Key:
    """An API key. One that only signs webhooks may do nothing but say whose it is (assumed)."""

    name: str = "admin app"
    may_read: bool = True
    may_edit: bool = True


@dataclass
class Agent:
    """An agent and all of its versions, oldest first. Published ones cannot be changed."""

    agent_id: str
    channel: str = "voice"
    versions: list[Body] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    is_suspended: bool = False

    @property
    def latest(self) -> Body:
        return self.versions[-1]

    def version(self, wanted: str | int | None) -> Body:
        """By number or tag; without, the latest, draft or not."""
        if wanted is None:
            return self.latest
        number = self.tags.get(str(wanted), wanted)
        for version in self.versions:
            if str(version["version"]) == str(number):
                return version
        raise Refusal(404, f"Agent version {wanted} not found.")

    def update(self, wanted: str | int | None, fields: Body, now_ms: int) -> Body:
        version = self.version(wanted)
        if version["is_published"]:
            raise Refusal(400, "Published agent version cannot be updated.")
        events = fields.get("webhook_events")
        if events is not None and not set(events) <= EVENTS[self.channel]:
            raise Refusal(400, "webhook_events holds an unknown event.")
        version.update(fields, last_modification_timestamp=now_ms)
        return version

    def branch(self, base_version: int, now_ms: int) -> Body:
        """A new draft like `base_version`."""
        base = self.version(base_version)
        self.versions.append(
            {
                **base,
                "version": self.latest["version"] + 1,
                "base_version": base["version"],
                "is_published": False,
                "last_modification_timestamp": now_ms,
            }
        )
        return self.latest

    def publish(self, wanted: int) -> None:
        version = self.version(wanted)
        if version["is_published"]:
            raise Refusal(400, "Agent version is already published.")
        version["is_published"] = True

    def listed(self) -> Body:
        """Its line in the list: no URL, no events, no versions."""
        return {
            "agent_id": self.agent_id,
            "agent_name": self.latest["agent_name"],
            "channel": self.channel,
            "is_suspended": self.is_suspended,
            "is_transfer_agent": False,
            "tags": {name: {"version": version} for name, version in self.tags.items()},
            "user_modified_timestamp": self.latest["last_modification_timestamp"],
        }

    def full(self, version: Body) -> Body:
        tags = [name for name, number in self.tags.items() if number == version["version"]]
        return {**version, "assigned_tags": tags}


@dataclass
class Workspace:
    """One workspace. `keys`: the API keys that open it."""

    org_id: str
    name: str
    keys: dict[str, Key] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    calls: dict[str, Body] = field(default_factory=dict)
    phone_numbers: list[Body] = field(default_factory=list)
    concurrency: Body = field(
        default_factory=lambda: {"current_concurrency": 3, "concurrency_limit": 20}
    )

    def add_agent(
        self,
        agent_id: str,
        *,
        name: str = "Front Desk",
        channel: str = "voice",
        published: bool = True,
        **fields: Any,
    ) -> Agent:
        """An agent with version 0; `fields` as get-agent names them."""
        version = {
            "agent_id": agent_id,
            "version": 0,
            "is_published": published,
            "agent_name": name,
            "channel": channel,
            "language": "en-US",
            "data_storage_setting": "everything",
            "opt_in_signed_url": False,
            "last_modification_timestamp": 1_795_000_000_000,
            **fields,
        }
        self.agents[agent_id] = Agent(agent_id, channel, [version])
        return self.agents[agent_id]

    def add_calls(self, *calls: Body) -> None:
        self.calls |= {call["call_id"]: call for call in calls}

    def calls_for(self, request: Body) -> Iterable[Body]:
        """At least those that a request for a list means."""
        return list(self.calls.values())

    def call(self, call_id: str) -> Body | None:
        return self.calls.get(call_id)

    def delete_call(self, call_id: str) -> None:
        """From history and API alike, as a person or retention does."""
        del self.calls[call_id]

    def apply_retention(self, now: datetime) -> list[str]:
        """Delete what `data_storage_retention_days` of the call's agent no longer keeps."""
        kept = {call["call_id"] for call in self.without_expired(self.calls.values(), now)}
        gone = [call_id for call_id in self.calls if call_id not in kept]
        for call_id in gone:
            self.delete_call(call_id)
        return gone

    def without_expired(self, calls: Iterable[Body], now: datetime) -> list[Body]:
        """Those that retention keeps."""
        days = {
            agent.agent_id: agent.latest.get("data_storage_retention_days")
            for agent in self.agents.values()
        }
        return [
            call
            for call in calls
            if (kept := days.get(call["agent_id"])) is None
            or call.get("end_timestamp", 0) >= to_ms(now) - kept * _DAY_MS
        ]


# --- Calls ---------------------------------------------------------------------------------------

_WORDS = [("Hello,", 0.4, 0.8), ("how", 0.9, 1.1), ("can", 1.2, 1.4), ("I", 1.4, 1.5)]
_SPOKEN = [
    {
        "role": "agent",
        "content": "Hello, how can I?",
        "words": [{"word": word, "start": start, "end": end} for word, start, end in _WORDS],
        "metadata": {"response_id": 0},
    },
    {"role": "user", "content": "Bye.", "words": [{"word": "Bye.", "start": 3.0, "end": 3.4}]},
]
_TRANSCRIPT: Body = {
    "transcript": "Agent: Hello, how can I?\nUser: Bye.\n",
    "transcript_object": _SPOKEN,
    "transcript_with_tool_calls": [
        *_SPOKEN,
        {
            "role": "tool_call_invocation",
            "tool_call_id": "t1",
            "name": "end_call",
            "arguments": "{}",
        },
    ],
}


def make_calls(
    agent: Agent, count: int, *, first: datetime, apart: timedelta = timedelta(seconds=30),
    prefix: str = "made",
) -> list[Body]:  # fmt: skip
    """`count` ended inbound calls, one every `apart`; their inner parts are shared, so cheap."""
    start_ms, apart_ms = to_ms(first), round(apart / timedelta(milliseconds=1))
    return [
        _make_call(agent, f"call_{prefix}{number:023d}", start_ms + number * apart_ms, number)
        for number in range(count)
    ]


def _make_call(agent: Agent, call_id: str, start_ms: int, number: int) -> Body:
    seconds = 20 + number * 7 % 240
    end_to_end = 700 + number % 300
    return {
        "call_id": call_id,
        "call_type": "phone_call",
        "agent_id": agent.agent_id,
        "agent_version": agent.latest["version"],
        "agent_name": agent.latest["agent_name"],
        "call_status": "ended",
        "direction": "inbound",
        "from_number": f"+1206555{100 + number % 100:04d}",
        "to_number": "+12065550190",
        "start_timestamp": start_ms,
        "end_timestamp": start_ms + seconds * 1000,
        "duration_ms": seconds * 1000,
        "disconnection_reason": "user_hangup",
        "data_storage_setting": agent.latest["data_storage_setting"],
        "opt_in_signed_url": False,
        "metadata": {"crm_contact_id": f"c-{number}"},
        "recording_url": f"{MEDIA}/{call_id}/recording.wav",
        "public_log_url": f"{MEDIA}/{call_id}/public.log",
        "latency": {"e2e": {"p50": end_to_end, "p90": end_to_end + 90, "num": 3}},
        "call_cost": call_cost(PRODUCTS, seconds=seconds),
        "call_analysis": {
            "call_summary": "The caller said goodbye.",
            "call_successful": number % 5 != 0,
            "in_voicemail": False,
            "user_sentiment": "Neutral",
            "custom_analysis_data": {},
        },
        **_TRANSCRIPT,
    }


def events_of(call: Body) -> Iterator[Body]:
    """What Retell sends about an ended call, in order; `call_started` only if it connected."""
    after = {"call_analysis", "call_cost", "end_timestamp", "duration_ms", "disconnection_reason"}
    if "start_timestamp" in call:
        begun = {
            name: value
            for name, value in call.items()
            if name not in after and "transcript" not in name and not name.endswith("_url")
        }
        yield {"event": "call_started", "call": {**begun, "call_status": "ongoing"}}
    ended = {name: value for name, value in call.items() if name != "call_analysis"}
    yield {"event": "call_ended", "call": ended}
    yield {"event": "call_analyzed", "call": call}
