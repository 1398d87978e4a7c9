"""What the demo's Retell keeps of calls, those included whose webhooks never came."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from operations.demo.agents import bypassing_agent
from operations.demo.feeding import agent_on_duty
from operations.demo.generator import make_call
from operations.demo.profiles import AgentProfile, OrganizationProfile
from operations.demo.retell_api import Shelf, Workspace
from operations.demo.retell_api.lists import as_kept
from operations.demo.stories import Body, CallStory, Delivery, to_ms
from operations.local.folders import Folders

FILE = Folders.for_run().demo_retell
# Events after which a call of the history says no more.
FINAL_EVENTS = ("call_analyzed", "transfer_ended")
TOLD_AT_ONCE = 1_000
# How long ago calls began that no webhook brought: the history brings them.
LOST_AGO = tuple(timedelta(days=days) for days in (2.1, 9.3, 17.2, 23.4))
# The first comparison brings this one, in an organization whose Retell answers.
LOST_LATELY_AGO = timedelta(minutes=70)
# While Retell does not answer, nobody knows that these are missing.
LOST_IN_GAP_AGO = (timedelta(minutes=100), timedelta(minutes=140))
BYPASSED_AGO = (timedelta(minutes=50), timedelta(hours=5), timedelta(hours=20), timedelta(hours=26))


def final(story: CallStory) -> Body:
    """A call as Retell has it in the end."""
    call: Body = {}
    for event in story.events:
        if event["event"] in FINAL_EVENTS:
            call |= event["call"]
    return as_kept(call)


def telling(
    deliveries: Iterable[Delivery], shelf: Shelf, workspace: Workspace, *, now: datetime
) -> Iterator[Delivery]:
    """Pass deliveries on, and note their calls as Retell still has them."""
    calls: list[Body] = []
    for delivery in deliveries:
        if delivery.body.get("event") in FINAL_EVENTS:
            calls.append(as_kept(delivery.body["call"]))
        if len(calls) == TOLD_AT_ONCE:
            shelf.tell(workspace.org_id, workspace.without_expired(calls, now))
            calls.clear()
        yield delivery
    shelf.tell(workspace.org_id, workspace.without_expired(calls, now))


def lost_calls(
    profile: OrganizationProfile, *, now: datetime, seed: int, in_gap: bool
) -> Iterator[Body]:
    """Calls that only Retell knows of."""
    rng = random.Random(f"lost {profile.slug} {seed} {to_ms(now)}")
    lately = LOST_IN_GAP_AGO if in_gap else (LOST_LATELY_AGO,)
    for ago in (*LOST_AGO, *lately):
        agent = agent_on_duty(rng, profile, now - ago)
        yield _connected_call(rng, profile, agent, now - ago, now=now)
    for ago in BYPASSED_AGO:
        yield _connected_call(rng, profile, bypassing_agent(profile), now - ago, now=now)


def _connected_call(
    rng: random.Random,
    profile: OrganizationProfile,
    agent: AgentProfile,
    start: datetime,
    *,
    now: datetime,
) -> Body:
    """Over by now; one that never connected has no start, so that no list would bring it."""
    while True:
        story = make_call(rng, profile, agent, start)
        call = final(story)
        if "start_timestamp" in call and story.deliveries[-1].delivered_at <= now:
            return call
