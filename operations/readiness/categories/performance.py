"""Whether it is fast enough, and stays so."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from operations.api.cache import statistics
from operations.health import MEASUREMENTS, Measurement
from operations.readiness.vocabulary import Category, Item, Phase

HIT_RATE = 0.5
# Before so many questions the rate says nothing.
QUESTIONS = 1_000


def hit_rate() -> Measurement:
    """The share of questions that the cache knew an answer to, since it was started."""
    fix = "Give Redis more memory when it evicts; see its figures on the system page."
    try:
        known = statistics(get_redis_connection().info())
    except (RedisError, OSError):
        return Measurement("cache-hit-rate", False, "Redis does not answer.", fix)
    asked = known["hits"] + known["misses"]
    if asked < QUESTIONS:
        found = f"The cache was asked {asked} times; its rate is told from {QUESTIONS} on."
        return Measurement("cache-hit-rate", True, found)
    found = f"The cache knew the answer {known['hit_rate']:.0%} of the time."
    return Measurement("cache-hit-rate", known["hit_rate"] >= HIT_RATE, found, fix)


ITEMS = (
    Item(
        code="cache-hit-rate",
        category=Category.PERFORMANCE,
        title=_("The cache knows most answers"),
        why=_("A low rate means that it is too small, or emptied too often."),
        phases=(Phase.POST_LAUNCH,),
        measure=hit_rate,
    ),
    Item(
        code="deliveries",
        category=Category.PERFORMANCE,
        title=_("Deliveries are applied in time"),
        why=_("What is received is on disk; what is applied is on the screen."),
        phases=(Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        is_essential=True,
        measure=MEASUREMENTS["deliveries"],
    ),
    Item(
        code="load-test",
        category=Category.PERFORMANCE,
        title=_("Load test passed on these hosts"),
        why=_("Figures of another machine say little of this one."),
        fix=_(
            "Run `make bench-ingest` on a host like these, with the events a second that you"
            " expect threefold, and note what you saw."
        ),
        signed_days=180,
        is_essential=True,
    ),
    Item(
        code="capacity",
        category=Category.PERFORMANCE,
        title=_("Room to grow is planned for"),
        why=_("Calls, bodies and recordings' links add up by the month."),
        phases=(Phase.POST_LAUNCH,),
        fix=_("Compare the databases' sizes on the system page with last month's."),
        signed_days=90,
    ),
)
