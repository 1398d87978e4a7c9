"""Everything Retell sends beside calls: chats, alerts, the test button, and things gone wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from operations.demo.pricing import NOT_CONNECTED
from operations.demo.profiles import OrganizationProfile
from operations.demo.stories import Body, CallStory, Delivery, to_ms
from operations.demo.transcripts import FIRST_NAMES

CHAT_CENTS = 0.6


def generate_chats(
    profile: OrganizationProfile, *, now: datetime, days: int, count: int, seed: int
) -> Iterator[CallStory]:
    """`count` short website chats of the last `days` days, oldest first."""
    rng = random.Random(f"chats {profile.slug} {seed} {to_ms(now)}")
    span_s = days * 86_400 - 3_600
    for ago_s in sorted((rng.uniform(3_600, span_s) for _ in range(count)), reverse=True):
        yield _chat(rng, profile, now - timedelta(seconds=ago_s))


def generate_alerts(
    profile: OrganizationProfile, *, now: datetime, days: int, seed: int
) -> Iterator[CallStory]:
    """An alert about spend or latency every two weeks or so, resolved within hours."""
    rng = random.Random(f"alerts {profile.slug} {seed} {to_ms(now)}")
    day = days - rng.uniform(1, 6)
    while day > 1:
        yield _alert(rng, profile, now - timedelta(days=day))
        day -= rng.uniform(9, 18)


def generate_oddities(profile: OrganizationProfile, *, now: datetime) -> Iterator[CallStory]:
    """The test button on the first day, then bodies nobody can use, and an unknown event."""
    yield _single("test_call", _test_button(now), now - timedelta(days=89, hours=23))
    call: dict[str, Any] = {"call_id": f"call_odd_{profile.slug}", "agent_id": "agent_unknown"}
    bodies: list[tuple[float, Body]] = [
        (61.3, {"event": "call_ended", "call": None}),
        (47.8, {"event": "call_ended", "call": {**call, "duration_ms": float("nan")}}),
        (33.1, {"event": "call_ended", "call": {**call, "call_id": 4815162342}}),
        (20.6, {"event": "call_recorded", "call": call}),
        (12.4, {"event": "call_ended", "call": {**call, "start_timestamp": "yesterday"}}),
        (3.2, {"call": call}),
    ]
    for days_ago, body in bodies:
        yield _single("odd", body, now - timedelta(days=days_ago))


def _single(story_id: str, body: Body, moment: datetime) -> CallStory:
    return CallStory(story_id, moment, (Delivery(body, moment),))


def _test_button(now: datetime) -> Body:
    return {
        "event": "call_started",
        "event_timestamp": to_ms(now),
        "call": {
            "call_id": "test_call",
            "call_type": "web_call",
            "agent_id": "test_agent",
            "agent_version": 0,
            "agent_name": "Test Agent",
            "call_status": "ongoing",
            "latency": {},
            "call_cost": NOT_CONNECTED,
        },
    }


def _chat(rng: random.Random, profile: OrganizationProfile, start: datetime) -> CallStory:
    question, answer, topic = rng.choice(profile.chat_topics)
    lines = [
        ("agent", f"Hi, this is {profile.company}. How can I help?"),
        ("user", question),
        ("agent", answer),
        ("user", rng.choice(("Thanks!", "Great, thank you.", "OK."))),
    ]
    start_ms = to_ms(start)
    end_ms = start_ms + 9_000 * len(lines)
    chat: Body = {
        "chat_id": f"chat_{rng.getrandbits(108):027x}",
        "agent_id": profile.chat_agent_id,
        "agent_name": profile.chat_agent_name,
        "version": 2,
        "chat_type": "api_chat",
        "chat_status": "ongoing",
        "start_timestamp": start_ms,
        "metadata": {"visitor": rng.choice(FIRST_NAMES)},
    }
    ended: Body = {
        **chat,
        "chat_status": "ended",
        "end_timestamp": end_ms,
        "transcript": "".join(f"{role.title()}: {text}\n" for role, text in lines),
        "message_with_tool_calls": [
            {
                "message_id": f"msg_{number:04d}",
                "role": role,
                "content": text,
                "created_timestamp": start_ms + 9_000 * number,
            }
            for number, (role, text) in enumerate(lines)
        ],
        "chat_cost": {
            "product_costs": [{"product": "gpt_4_1_mini_text", "cost": CHAT_CENTS}],
            "combined_cost": CHAT_CENTS,
        },
    }
    analysis = {
        "chat_summary": f"A visitor asked: {question}",
        "chat_successful": rng.random() < 0.9,
        "user_sentiment": rng.choice(("Positive", "Neutral", "Neutral")),
        "custom_analysis_data": {"topic": topic},
    }
    end = start + timedelta(milliseconds=end_ms - start_ms)
    return CallStory(
        chat["chat_id"],
        start,
        (
            Delivery({"event": "chat_started", "chat": chat}, start + timedelta(seconds=1)),
            Delivery({"event": "chat_ended", "chat": ended}, end + timedelta(seconds=1)),
            Delivery(
                {"event": "chat_analyzed", "chat": {**ended, "chat_analysis": analysis}},
                end + timedelta(seconds=8),
            ),
        ),
    )


def _alert(rng: random.Random, profile: OrganizationProfile, start: datetime) -> CallStory:
    name, metric, threshold = rng.choice(
        (("Spend an hour", "total_call_cost", 5000), ("Slow answers", "e2e_latency_p95", 2500))
    )
    agent = rng.choice(profile.agents)
    end = start + timedelta(minutes=rng.uniform(20, 300))
    alert: Body = {
        "alert_incident_id": f"alert_incident_{rng.getrandbits(96):024x}",
        "org_id": profile.retell_org_id,
        "alert_rule_id": f"alert_rule_{rng.getrandbits(96):024x}",
        "name": name,
        "metric_type": metric,
        "filter": {"agent": [{"agent_id": agent.agent_id, "version": [agent.version]}]},
        "threshold_type": "absolute",
        "threshold_value": threshold,
        "comparator": "gt",
        "frequency": "5m",
        "window": "1h",
        "emails": ["ops@example.com"],
        "webhook_urls": [],
        "current_value": round(threshold * rng.uniform(1.05, 1.6), 1),
        "previous_value": None,
        "triggered_timestamp": to_ms(start),
        "resolved_timestamp": None,
    }
    resolved = {
        **alert,
        "current_value": round(threshold * rng.uniform(0.4, 0.95), 1),
        "resolved_timestamp": to_ms(end),
    }
    return CallStory(
        alert["alert_incident_id"],
        start,
        (
            Delivery({"event": "alert_triggered", "alert": alert}, start),
            Delivery({"event": "alert_resolved", "alert": resolved}, end),
        ),
    )
