"""Plays live calls: signs events as Retell does and posts them to the product over HTTP.

Now and then it loses events on purpose, and says so: the next comparison with the demo's Retell,
which hears of every call, brings them back.
"""

from __future__ import annotations

import heapq
import http.client
import json
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from retell.lib.webhook_auth import symmetric

from operations.demo.agents import bypasses, bypassing_agent
from operations.demo.generator import draw_agent, make_call
from operations.demo.profiles import PROFILES, AgentProfile, OrganizationProfile
from operations.demo.retell_api import Shelf
from operations.demo.retell_api.lists import as_kept
from operations.demo.stories import CallStory, encode

logger = logging.getLogger(__name__)

TRIES = 3
RETRY_SECONDS = (5.0, 15.0)
TIMEOUT_SECONDS = 10.0
REFRESH_SECONDS = 10.0
LONGEST_NAP_SECONDS = 1.0
# A demo that is left running for days should not fill the disk.
BUSY_SECONDS = 1800.0
SLOWDOWN = 5.0
LOST_SHARE = 0.03
# Of calls, once the agent whose events went elsewhere was set right.
NEWEST_AGENT_SHARE = 0.15
_NOT_KEPT_EVENTS = ("transcript_updated",)
_LAST_EVENTS = ("call_ended", "call_analyzed", "transfer_ended")


@dataclass(frozen=True)
class Line:
    """Where an organization's webhooks go, and the key that signs them."""

    slug: str
    webhook_url: str
    api_key: str


@dataclass(order=True)
class Post:
    """One webhook to deliver at `due` (seconds since 1970), unless it is to be lost."""

    due: float
    slug: str = field(compare=False)
    body: dict[str, Any] = field(compare=False)
    tries: int = field(default=0, compare=False)
    is_lost: bool = field(default=False, compare=False)


class Feed:
    """A queue of webhooks that are due, and the calls that fill it.

    `find_lines` says which demo organizations there are now; with none the feed rests. None means
    that it cannot be told at the moment: the ones known so far go on. `shelf`: of the demo's
    Retell, without which nothing is lost.
    """

    def __init__(
        self,
        find_lines: Callable[[], Iterable[Line] | None],
        *,
        port: int,
        seconds_between_calls: float,
        shelf: Shelf | None = None,
        lost_share: float = LOST_SHARE,
        rng: random.Random | None = None,
    ) -> None:
        self.find_lines = find_lines
        self.port = port
        self.seconds_between_calls = seconds_between_calls
        self.shelf = shelf
        self.lost_share = lost_share
        self.rng = rng or random.Random()
        self.lines: dict[str, Line] = {}
        self.queue: list[Post] = []
        self.began = time.time()
        self.next_call = self.began
        self.next_refresh = self.began

    def run(self) -> None:
        """Until the process is told to end."""
        while True:
            self.turn(time.time())
            due = min(self.next_call, self.next_refresh, *(post.due for post in self.queue[:1]))
            time.sleep(min(max(due - time.time(), 0.0), LONGEST_NAP_SECONDS))

    def turn(self, now: float) -> None:
        """Do what is due."""
        if now >= self.next_refresh:
            lines = self.find_lines()
            if lines is not None:
                self.lines = {line.slug: line for line in lines}
            self.next_refresh = now + REFRESH_SECONDS
        if now >= self.next_call:
            self._begin_call(now)
        while self.queue and self.queue[0].due <= now:
            self._deliver(heapq.heappop(self.queue), now)

    def _begin_call(self, now: float) -> None:
        pace = self.seconds_between_calls
        if now - self.began > BUSY_SECONDS:
            pace *= SLOWDOWN
        self.next_call = now + self.rng.expovariate(1 / pace)
        open_for_calls = [profile for profile in PROFILES if profile.slug in self.lines]
        if not open_for_calls:
            return
        profile = self.rng.choice(open_for_calls)
        start = datetime.fromtimestamp(now, UTC)
        agent = self._newest_agent(profile) or agent_on_duty(self.rng, profile, start)
        story = make_call(self.rng, profile, agent, start, transcript_updates=True)
        lost = self._draw_lost_events(profile, story)
        for delivery in story.deliveries:
            due = delivery.delivered_at.timestamp()
            is_lost = delivery.event in lost
            heapq.heappush(self.queue, Post(due, profile.slug, delivery.body, is_lost=is_lost))

    def _newest_agent(self, profile: OrganizationProfile) -> AgentProfile | None:
        """Now and then, once its events come here."""
        if self.shelf is None or self.rng.random() >= NEWEST_AGENT_SHARE:
            return None
        newest = bypassing_agent(profile)
        for workspace in self.shelf.workspaces():
            agent = workspace.agents.get(newest.agent_id)
            if agent is not None and not bypasses(agent):
                return newest
        return None

    def _draw_lost_events(self, profile: OrganizationProfile, story: CallStory) -> set[str]:
        """Mostly none. Of a call that never connected none, as Retell does not list it."""
        events = [delivery.event for delivery in story.deliveries]
        if self.shelf is None or "call_started" not in events:
            return set()
        if self.rng.random() >= self.lost_share:
            return set()
        is_whole = self.rng.random() < 0.5
        logger.info(
            "losing %s of %s (%s) on purpose; a comparison with Retell brings it back",
            "every webhook" if is_whole else "the last webhooks",
            story.call_id,
            profile.slug,
        )
        return set(events) if is_whole else set(_LAST_EVENTS)

    def _note(self, post: Post) -> None:
        """Retell knows of its calls, whatever becomes of the webhook."""
        if self.shelf is None or post.tries or post.body["event"] in _NOT_KEPT_EVENTS:
            return
        org_ids = {profile.slug: profile.retell_org_id for profile in PROFILES}
        if "call_status" in post.body["call"]:
            self.shelf.tell(org_ids[post.slug], [as_kept(post.body["call"])])

    def _deliver(self, post: Post, now: float) -> None:
        line = self.lines.get(post.slug)
        if line is None:
            return
        self._note(post)
        if post.is_lost:
            return
        post.tries += 1
        status = send(line, encode(post.body), port=self.port)
        if 200 <= status < 300:
            return
        if post.tries < TRIES:
            post.due = now + RETRY_SECONDS[post.tries - 1]
            heapq.heappush(self.queue, post)
        else:
            logger.warning("gave up a demo webhook: %s answered %s", post.body["event"], status)

    def save(self, file: Path) -> None:
        """Keep what was not delivered, so that running calls end after a restart."""
        posts = [asdict(post) for post in sorted(self.queue) if _matters_later(post)]
        file.write_text(json.dumps(posts))

    def restore(self, file: Path) -> None:
        """Take up what `save` kept; what was due meanwhile is delivered at once."""
        if file.exists():
            self.queue += [Post(**post) for post in json.loads(file.read_text())]
            heapq.heapify(self.queue)
            file.unlink()


def _matters_later(post: Post) -> bool:
    return bool(post.body["event"] != "transcript_updated")


def agent_on_duty(
    rng: random.Random, profile: OrganizationProfile, moment: datetime
) -> AgentProfile:
    """An agent that is called at this hour of the organization's day."""
    local = moment.astimezone(ZoneInfo(profile.time_zone))
    weights = [
        agent.weight * agent.hours[local.hour] * agent.weekdays[local.weekday()]
        for agent in profile.agents
    ]
    return rng.choices(profile.agents, weights)[0] if any(weights) else draw_agent(rng, profile)


def send(line: Line, body: bytes, *, port: int) -> int:
    """Post one signed webhook to this machine; the HTTP status, 0 when nobody answered."""
    target = urlsplit(line.webhook_url)
    headers = {
        "Host": target.netloc,
        "Content-Type": "application/json",
        "User-Agent": "switchboard-demo",
        "X-Retell-Signature": symmetric["sign"](body.decode(), line.api_key),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
