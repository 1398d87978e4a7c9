"""Makes the calls of a demo organization. The same arguments give the same calls."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from operations.demo import conversations
from operations.demo.conversations import Scene
from operations.demo.pricing import NOT_CONNECTED, call_cost
from operations.demo.profiles import AgentProfile, OrganizationProfile
from operations.demo.stories import Body, CallStory, Delivery, at_ms, to_ms
from operations.demo.transcripts import Transcript, draw_slots, write_transcript

# The last call begins this long before "now".
SETTLED = timedelta(minutes=25)
MEDIA = "https://media.example.com/calls"
SENTIMENTS = ("Positive", "Neutral", "Negative")
Weights = tuple[tuple[str, float], ...]

NEVER_CONNECTED: Weights = (
    ("dial_no_answer", 62),
    ("dial_busy", 13),
    ("user_declined", 9),
    ("dial_failed", 7),
    ("invalid_destination", 5),
    ("marked_as_spam", 2.5),
    ("telephony_provider_unavailable", 1),
    ("sip_routing_error", 0.5),
)
# Instead of what the scene would come to.
INTERRUPTIONS: dict[str, Weights] = {
    "inbound": (
        ("", 94.6),
        ("inactivity", 3.2),
        ("error_no_audio_received", 0.5),
        ("error_llm_websocket_open", 0.5),
        ("error_retell", 0.3),
        ("concurrency_limit_reached", 0.3),
        ("no_concurrency_fallback", 0.3),
        ("max_duration_reached", 0.15),
        ("manual_stopped", 0.15),
    ),
    "outbound": (
        ("", 48),
        ("never connected", 29.5),
        ("voicemail_reached", 18),
        ("ivr_reached", 1.8),
        ("inactivity", 1.4),
        ("error_no_audio_received", 0.5),
        ("error_asr", 0.2),
        ("registered_call_timeout", 0.2),
        ("no_valid_payment", 0.1),
        ("max_duration_reached", 0.1),
    ),
    "web": (
        ("", 90),
        ("error_user_not_joined", 4.5),
        ("inactivity", 4.5),
        ("error_unknown", 0.5),
        ("error_llm_websocket_lost_connection", 0.5),
    ),
}
# Errors that end a call before anything is said.
NEVER_RAN = {
    "error_llm_websocket_open",
    "concurrency_limit_reached",
    "no_valid_payment",
    "registered_call_timeout",
    "error_user_not_joined",
}


def generate_calls(
    profile: OrganizationProfile, *, now: datetime, days: int, count: int, seed: int
) -> Iterator[CallStory]:
    """`count` calls of the last `days` days, oldest first, every one settled at `now` (aware)."""
    rng = random.Random(f"{profile.slug} {seed} {to_ms(now)}")
    for start, agent in _draw_starts(rng, profile, now=now, days=days, count=count):
        story = make_call(rng, profile, agent, start)
        while story.deliveries[-1].delivered_at > now:
            story = make_call(rng, profile, agent, start)
        yield story


def draw_agent(rng: random.Random, profile: OrganizationProfile) -> AgentProfile:
    """An agent of the organization, the busy ones more often."""
    return rng.choices(profile.agents, [agent.weight for agent in profile.agents])[0]


def make_call(
    rng: random.Random,
    profile: OrganizationProfile,
    agent: AgentProfile,
    start: datetime,
    *,
    transcript_updates: bool = False,
) -> CallStory:
    """One call that begins at `start`; with `transcript_updates`, turn by turn."""
    return _Call(rng, profile, agent, start).story(transcript_updates=transcript_updates)


def _draw_starts(
    rng: random.Random, profile: OrganizationProfile, *, now: datetime, days: int, count: int
) -> list[tuple[datetime, AgentProfile]]:
    """When each call begins: by hour and weekday of the agent, a little more every week."""
    zone = ZoneInfo(profile.time_zone)
    last = now - SETTLED
    first = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    hours = [first + timedelta(hours=hour) for hour in range(days * 24 + 1)]
    hours = [hour for hour in hours if hour < last]
    growth = [0.8 + 0.4 * number / len(hours) for number in range(len(hours))]
    mood = [math.exp(rng.gauss(0, 0.18)) for _ in range(days + 2)]
    starts = []
    for agent, calls in _share_out(profile, count):
        weights = []
        for number, hour in enumerate(hours):
            local = hour.astimezone(zone)
            usual = agent.hours[local.hour] * agent.weekdays[local.weekday()]
            weights.append(usual * growth[number] * mood[number // 24])
        for hour in rng.choices(hours, weights, k=calls):
            room = min(3600.0, (last - hour).total_seconds())
            starts.append((hour + timedelta(seconds=rng.uniform(0, room)), agent))
    return sorted(starts, key=lambda pair: pair[0])


def _share_out(profile: OrganizationProfile, count: int) -> list[tuple[AgentProfile, int]]:
    total = sum(agent.weight for agent in profile.agents)
    shares = [(agent, count * agent.weight // total) for agent in profile.agents]
    busiest, calls = shares[0]
    shares[0] = (busiest, calls + count - sum(share for _, share in shares))
    return shares


@dataclass(frozen=True)
class _Outcome:
    """How a call goes: `reason` as Retell names it, `status` its call_status."""

    reason: str
    status: str
    scene: Scene | None


class _Call:
    """Draws one call and tells it event by event. Times in milliseconds."""

    def __init__(
        self,
        rng: random.Random,
        profile: OrganizationProfile,
        agent: AgentProfile,
        start: datetime,
    ) -> None:
        self.rng = rng
        self.profile = profile
        self.agent = agent
        self.start_ms = to_ms(start)
        self.call_id = f"call_{rng.getrandbits(108):027x}"
        self.slots = draw_slots(rng, profile, start)
        self.outcome = _draw_outcome(rng, agent)
        self.is_test = rng.random() < 0.006
        self.transcript: Transcript | None = None
        if self.outcome.scene:
            self.transcript = write_transcript(rng, self.outcome.scene, self.slots)
        self.duration_ms = self._draw_duration_ms()
        self.end_ms = self.start_ms + self.duration_ms

    def story(self, *, transcript_updates: bool) -> CallStory:
        """The deliveries in the order of arrival."""
        call = self._basics()
        if not self.transcript:
            deliveries = self._never_ran(call)
        else:
            ended = self._ended(call)
            analyzed = self._analyzed(ended)
            analyzed_ms = self.end_ms + self.rng.uniform(5_000, 20_000)
            deliveries = [self._deliver("call_started", self._started(call), self.start_ms, 900)]
            if transcript_updates:
                deliveries += self._transcript_updates(call)
            deliveries += [
                *self._transfer(analyzed),
                self._deliver("call_ended", ended, self.end_ms, 2_500),
                self._deliver("call_analyzed", analyzed, analyzed_ms, 2_500),
            ]
        deliveries += self._repeats(deliveries)
        deliveries.sort(key=lambda delivery: delivery.delivered_at)
        return CallStory(self.call_id, at_ms(self.start_ms), tuple(deliveries))

    def _draw_duration_ms(self) -> int:
        if not self.transcript:
            return 0
        reason = self.outcome.reason
        if reason == "max_duration_reached":
            return 3_600_000
        seconds = self.transcript.seconds * self.rng.uniform(1.1, 2.0)
        if reason == "inactivity":
            seconds += self.rng.uniform(20, 45)
        return int(seconds * 1000)

    def _deliver(self, event: str, call: Body, moment_ms: float, delay_ms: float) -> Delivery:
        body: Body = {"event": event, "call": call}
        is_open = self.agent.channel != "web" and self.agent.storage == "everything"
        is_retold = is_open and event in ("call_started", "call_ended")
        return Delivery(body, at_ms(moment_ms + self.rng.uniform(150, delay_ms)), is_retold)

    def _basics(self) -> Body:
        agent = self.agent
        call: Body = {
            "call_id": self.call_id,
            "call_type": "web_call" if agent.channel == "web" else "phone_call",
            "agent_id": agent.agent_id,
            "agent_version": agent.version,
            "agent_name": agent.name,
            "agent_tag": "test" if self.is_test and self.call_id[-1] in "01234567" else "prod",
            "call_status": "ongoing",
            "data_storage_setting": agent.storage,
            "opt_in_signed_url": False,
        }
        if agent.channel == "web":
            call["access_token"] = f"demo.{self.rng.getrandbits(96):024x}.not-a-token"
        else:
            call.update(self._telephone())
        if self.is_test:
            call["metadata"] = {"test": True}
        elif agent.channel == "outbound":
            week = at_ms(self.start_ms).strftime("%G-W%V")
            campaign = f"{agent.name.lower().replace(' ', '-')}-{week}"
            call["metadata"] = {"campaign": campaign, "contact": f"c-{self.rng.randint(1, 9999)}"}
            call["retell_llm_dynamic_variables"] = {"first_name": self.slots["first_name"]}
        return call

    def _telephone(self) -> Body:
        customer = f"+1{self.rng.choice(self.profile.area_codes)}55501{self.rng.randint(5, 99):02d}"
        ours = self.agent.number
        if self.agent.channel == "inbound" and self.rng.random() < 0.015:
            customer = "anonymous"
        inbound = self.agent.channel == "inbound"
        return {
            "direction": self.agent.channel,
            "from_number": customer if inbound else ours,
            "to_number": ours if inbound else customer,
            "telephony_identifier": {"twilio_call_sid": f"CA{self.rng.getrandbits(128):032x}"},
            "custom_sip_headers": {},
        }

    def _started(self, call: Body) -> Body:
        started = {**call, "start_timestamp": self.start_ms}
        if self.agent.channel == "web":
            started |= {"transcript": "", "transcript_object": [], "latency": {}}
            started["call_cost"] = NOT_CONNECTED
        return started

    def _ended(self, call: Body) -> Body:
        assert self.transcript
        ended = {
            **call,
            "call_status": self.outcome.status,
            "start_timestamp": self.start_ms,
            "end_timestamp": self.end_ms,
            "duration_ms": self.duration_ms,
            **self.transcript.fields(),
            "recording_url": f"{MEDIA}/{self.call_id}/recording.wav",
            "recording_multi_channel_url": f"{MEDIA}/{self.call_id}/recording_multichannel.wav",
            "public_log_url": f"{MEDIA}/{self.call_id}/public.log",
            "disconnection_reason": self.outcome.reason,
            "latency": self._latency(),
            "call_cost": self._cost(),
            "llm_token_usage": self._token_usage(),
            "collected_dynamic_variables": {"reference": self.slots["reference"]},
        }
        if self.outcome.reason == "call_transfer":
            ended["transfer_destination"] = f"{self.agent.number[:-2]}90"
        return ended

    def _analyzed(self, ended: Body) -> Body:
        scene = self.outcome.scene
        voicemail = self.outcome.reason == "voicemail_reached"
        if scene is None:
            analysis: Body = {
                "call_summary": "The call did not connect.",
                "in_voicemail": False,
                "user_sentiment": "Unknown",
                "call_successful": False,
            }
            return {**ended, "call_analysis": analysis}
        finished = self.outcome.status == "ended" and self.outcome.reason != "inactivity"
        mood = self.rng.choices(SENTIMENTS, scene.moods)[0]
        analysis = {
            "call_summary": scene.summary.format_map(self.slots),
            "in_voicemail": voicemail,
            "user_sentiment": "Unknown" if voicemail or not finished else mood,
            "call_successful": scene.successful and finished and self.rng.random() < 0.93,
        }
        if scene.analysis and finished:
            analysis["custom_analysis_data"] = {
                name: self._fill(value) for name, value in scene.analysis.items()
            }
        return {**ended, "call_analysis": analysis}

    def _fill(self, value: Any) -> Any:
        if value == "{price}":
            return self.slots["price"]
        return value.format_map(self.slots) if isinstance(value, str) else value

    def _never_ran(self, call: Body) -> list[Delivery]:
        """Two deliveries, no call_started, and no times: the call never connected."""
        ended: Body = {
            **call,
            "call_status": self.outcome.status,
            "disconnection_reason": self.outcome.reason,
            "latency": {},
            "call_cost": NOT_CONNECTED,
        }
        if self.outcome.reason == "invalid_destination":
            ended["to_number"] = ended["to_number"].replace("+1", "00 ")
        rang_ms = self.start_ms + self.rng.uniform(4_000, 32_000)
        return [
            self._deliver("call_ended", ended, rang_ms, 2_000),
            self._deliver("call_analyzed", self._analyzed(ended), rang_ms + 4_000, 5_000),
        ]

    def _transcript_updates(self, call: Body) -> list[Delivery]:
        assert self.transcript
        ongoing = {**call, "start_timestamp": self.start_ms, "latency": {}}
        ongoing["call_cost"] = NOT_CONNECTED
        pace = self.duration_ms / max(self.transcript.seconds, 1.0)
        updates = []
        for number, (entry, end) in enumerate(
            zip(self.transcript.entries, self.transcript.ends, strict=True), start=1
        ):
            if entry["role"] in ("agent", "user"):
                so_far = {**ongoing, **self.transcript.fields(number)}
                moment = self.start_ms + end * pace
                updates.append(self._deliver("transcript_updated", so_far, moment, 400))
        return updates

    def _transfer(self, analyzed: Body) -> list[Delivery]:
        if self.outcome.reason != "call_transfer" or not self.agent.transfer_events:
            return []
        leg_seconds = int(self.rng.uniform(40, 600))
        leg_end_ms = self.end_ms + leg_seconds * 1000
        beside: Body = {
            "transfer_destination": {"number": analyzed["transfer_destination"]},
            "transfer_option": {"type": "warm_transfer", "showTransfereeAsCaller": True},
        }
        final = {
            **analyzed,
            "transfer_end_timestamp": leg_end_ms,
            "call_cost": self._cost(leg_seconds),
        }
        steps = [("transfer_started", 9_000), ("transfer_bridged", 4_000)]
        deliveries = []
        for event, before_ms in steps:
            body: Body = {"event": event, "call": {"call_id": self.call_id}, **beside}
            moment = max(self.start_ms + 1_000, self.end_ms - before_ms)
            deliveries.append(Delivery(body, at_ms(moment)))
        return [*deliveries, self._deliver("transfer_ended", final, leg_end_ms, 3_000)]

    def _repeats(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Retell sends a few webhooks twice."""
        return [
            Delivery(delivery.body, delivery.delivered_at + timedelta(seconds=10))
            for delivery in deliveries
            if delivery.event in ("call_ended", "call_analyzed") and self.rng.random() < 0.004
        ]

    def _cost(self, transfer_seconds: int = 0) -> Body:
        return call_cost(
            self.agent.products,
            seconds=math.ceil(self.duration_ms / 1000),
            batch=self.agent.channel == "outbound",
            surcharge_per_second=0.031 if self.agent.long_prompt else 0.0,
            transfer_seconds=transfer_seconds,
        )

    def _latency(self) -> Body:
        assert self.transcript
        turns = min(self.transcript.agent_turns, 12)
        slow = 1.9 if self.rng.random() < 0.04 else 1.0
        usual = self.agent.latency_ms * slow
        shares = {"e2e": 1.0, "llm": 0.52, "tts": 0.16, "asr": 0.11}
        if self.agent.knowledge_base:
            shares["knowledge_base"] = 0.08
        return {name: self._block(usual * share, turns) for name, share in shares.items()}

    def _block(self, usual_ms: float, turns: int) -> Body:
        values = [int(usual_ms * math.exp(self.rng.gauss(0, 0.22))) for _ in range(turns)]
        ordered = sorted(values)
        quantiles = {f"p{p}": _quantile(ordered, p / 100) for p in (50, 90, 95, 99)}
        ends = {"max": ordered[-1], "min": ordered[0], "num": turns}
        return {**quantiles, **ends, "values": values}

    def _token_usage(self) -> Body:
        assert self.transcript
        first = 5200 if self.agent.long_prompt else 1700
        values = [first + 60 * turn for turn in range(self.transcript.agent_turns)]
        return {
            "values": values,
            "average": round(sum(values) / len(values), 2),
            "num_requests": len(values),
        }


def _draw_outcome(rng: random.Random, agent: AgentProfile) -> _Outcome:
    reason = _draw(rng, INTERRUPTIONS[agent.channel])
    if reason == "never connected":
        return _Outcome(_draw(rng, NEVER_CONNECTED), "not_connected", None)
    if reason in NEVER_RAN:
        return _Outcome(reason, "error", None)
    if reason == "voicemail_reached":
        return _Outcome(reason, "ended", conversations.VOICEMAIL)
    if reason == "inactivity":
        return _Outcome(reason, "ended", conversations.SILENCE)
    scene = rng.choices(agent.scenes, [scene.weight for scene in agent.scenes])[0]
    if reason == "":
        return _Outcome(_ending(rng, scene), "ended", scene)
    return _Outcome(reason, "error" if reason.startswith("error_") else "ended", scene)


def _ending(rng: random.Random, scene: Scene) -> str:
    """Either side may hang up first; the other endings are what the scene is about."""
    if scene.ending in ("user_hangup", "agent_hangup") and rng.random() < 0.35:
        return "user_hangup"
    return scene.ending


def _draw(rng: random.Random, weights: Weights) -> str:
    names, cumulative = _cumulative(weights)
    return rng.choices(names, cum_weights=cumulative)[0]


@cache
def _cumulative(weights: Weights) -> tuple[list[str], list[float]]:
    names = [name for name, _ in weights]
    sums = [sum(weight for _, weight in weights[: n + 1]) for n in range(len(weights))]
    return names, sums


def _quantile(ordered: list[int], share: float) -> float:
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 2)
