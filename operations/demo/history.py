"""Everything Retell has sent to one demo organization, in the order of arrival."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime

from operations.demo.generator import generate_calls
from operations.demo.others import generate_alerts, generate_chats, generate_oddities
from operations.demo.profiles import OrganizationProfile
from operations.demo.stories import CallStory, Delivery


def history(
    profile: OrganizationProfile, *, now: datetime, days: int, calls: int, seed: int
) -> Iterator[Delivery]:
    """`calls` calls of the last `days` days with a few chats, alerts and odd bodies."""
    chats = max(calls // 50, 1)
    streams = (
        generate_calls(profile, now=now, days=days, count=calls, seed=seed),
        generate_chats(profile, now=now, days=days, count=chats, seed=seed),
        generate_alerts(profile, now=now, days=days, seed=seed),
        generate_oddities(profile, now=now),
    )
    yield from in_order_of_arrival(heapq.merge(*streams, key=_begins))


def in_order_of_arrival(stories: Iterable[CallStory]) -> Iterator[Delivery]:
    """Stories, given in the order they begin, as one stream; holds only the open ones."""
    waiting: list[tuple[datetime, int, Delivery]] = []
    number = 0
    for story in stories:
        while waiting and waiting[0][0] <= _begins(story):
            yield heapq.heappop(waiting)[2]
        for delivery in story.deliveries:
            number += 1
            heapq.heappush(waiting, (delivery.delivered_at, number, delivery))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _begins(story: CallStory) -> datetime:
    return story.begins_at
