"""The events of a phase: calls of several organizations, some out of order, some twice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from operations.demo.generator import draw_agent, make_call
from operations.demo.profiles import PROFILES, OrganizationProfile
from operations.demo.stories import CallStory, Delivery, encode
from testing.chaos.book import Event, Kind, Post

# Comparing with Retell leaves the last two minutes out; the longest of these calls is an hour.
BEGAN_AGO = timedelta(minutes=70)
TRANSCRIPT_UPDATES = 2
SHUFFLED_SHARE = 0.2
SENT_TWICE_SHARE = 0.05
SPREAD_SECONDS = 6.0
POISON_WITHIN_SECONDS = 6.0
TOO_LARGE_BYTES = 20 * 1024 * 1024 + 1
_CALL = b'{"event":"call_ended","call":{"call_id":"call_poison"'
# Signed, and to be kept in quarantine; each a way to break a reader of JSON.
POISON = (
    b"",
    b'{"event":"\xff\xfe"}',
    b'{"event":"call_ended","call":null}',
    b'{"event":["call_ended"]}',
    b'{"event":"call_ended","call":{"call_id":"a\\u0000b"}}',
    b'{"event":"call_ended","call":{"call_id":"a\\ud800"}}',
    b"[" * 1_000_000,
    _CALL,
    _CALL + b',"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    _CALL + b',"duration_ms":NaN}}',
    _CALL + b',"duration_ms":1e400}}',
    _CALL + b',"duration_ms":"long"}}',
    _CALL + b',"start_timestamp":1e15}}',
    _CALL + b',"call_cost":{"product_costs":["x"]}}}',
    _CALL + b',"transcript":["' + b"word " * 1_000_000 + b'"]}}',
)


def plan(
    organizations: Sequence[str], *, phase: str, seconds: float, rate: float, poisoned: bool = False
) -> list[Post]:
    """`rate` events a second, evenly, of calls that ended a while ago."""
    rng = random.Random(phase)
    began_at = datetime.now(UTC) - BEGAN_AGO
    loose: list[Post] = []
    number = 0
    while len(loose) < seconds * rate:
        for organization in organizations:
            story = _story(organizations, organization, f"{phase} {number}", began_at)
            loose += _posts(rng, organization, story, seconds)
        number += 1
    if poisoned:
        loose += _poison(rng, organizations)
    loose.sort(key=lambda post: post.due)
    return [replace(post, due=place / rate) for place, post in enumerate(loose)]


def _story(
    organizations: Sequence[str], organization: str, seed: str, began_at: datetime
) -> CallStory:
    """The same seed gives the same call id in every organization, and another call."""
    profile = _profile(organizations, organization)
    agent = draw_agent(random.Random(f"{organization} {seed}"), profile)
    rng = random.Random(seed)
    start = began_at + timedelta(seconds=random.Random(f"{seed} start").uniform(0, 300))
    story = make_call(rng, profile, agent, start, transcript_updates=True)
    for delivery in story.deliveries:
        call = delivery.body["call"]
        if "call_status" in call:
            call["metadata"] = {**call.get("metadata", {}), "organization": organization}
    return story


def _profile(organizations: Sequence[str], organization: str) -> OrganizationProfile:
    return PROFILES[organizations.index(organization) % len(PROFILES)]


def _posts(
    rng: random.Random, organization: str, story: CallStory, seconds: float
) -> Iterator[Post]:
    deliveries = _without_most_updates(story.deliveries)
    if rng.random() < SHUFFLED_SHARE:
        rng.shuffle(deliveries)
    begins = rng.uniform(0, max(seconds - SPREAD_SECONDS, 1))
    for place, delivery in enumerate(deliveries):
        due = begins + SPREAD_SECONDS * place / len(deliveries)
        event = Event(organization, encode(delivery.body))
        call = f"{organization} {story.call_id}"
        yield Post(due, event, call)
        if rng.random() < SENT_TWICE_SHARE:
            yield Post(due + rng.uniform(0, 1), event, call)


def _without_most_updates(deliveries: Sequence[Delivery]) -> list[Delivery]:
    updates = [delivery for delivery in deliveries if delivery.event == "transcript_updated"]
    dropped = updates[:-TRANSCRIPT_UPDATES]
    return [delivery for delivery in deliveries if delivery not in dropped]


def _poison(rng: random.Random, organizations: Sequence[str]) -> Iterator[Post]:
    for organization in organizations:
        for number, body in enumerate(POISON):
            event = Event(organization, body, Kind.POISON)
            yield Post(
                rng.uniform(0, POISON_WITHIN_SECONDS), event, f"{organization} poison {number}"
            )
    too_large = Event(organizations[0], b" " * TOO_LARGE_BYTES, Kind.TOO_LARGE)
    yield Post(rng.uniform(0, POISON_WITHIN_SECONDS), too_large, "too large")
