"""`/api/cache/stats`, for the operator's staff; and the API's tiers of limits."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as CacheGone

from operations.api import cache as api
from testing.fixtures import ClientFactory, World

URL = "/api/cache/stats"


def test_it_counts_hits_and_misses(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam)
    before = sam.get(URL).json()
    cache.set("known", 1)
    cache.get("known")
    cache.get("unknown")
    after = sam.get(URL).json()
    assert after["hits"] > before["hits"]
    assert after["misses"] > before["misses"]
    assert 0 < after["hit_rate"] < 1


def test_a_cache_nobody_asked_has_no_hit_rate() -> None:
    info = {
        "keyspace_hits": 0, "keyspace_misses": 0, "evicted_keys": 0, "used_memory": 1,
        "uptime_in_seconds": 1, "db0": {"keys": 3}, "db1": {"keys": 4},
    }  # fmt: skip
    assert api.statistics(info)["hit_rate"] is None
    assert api.statistics(info)["keys"] == 7


@pytest.mark.parametrize("verified", [False, True])
def test_it_is_for_verified_operators_only(
    world: World, browser_of: ClientFactory, verified: bool
) -> None:
    sam = browser_of(world.people.sam, verified=verified)
    assert sam.get(URL).status_code == (200 if verified else 403)
    assert browser_of(world.people.alice).get(URL).status_code == 403


def test_without_the_cache_it_says_so(
    world: World, browser_of: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise CacheGone

    sam = browser_of(world.people.sam)
    monkeypatch.setattr(api, "get_redis_connection", away)
    response = sam.get(URL)
    assert response.status_code == 503
    assert "nothing is lost" in response.json()["detail"]


def test_reads_are_limited_and_say_when_to_come_back(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    settings.API_READ_LIMIT = "2/m"
    sam = browser_of(world.people.sam)
    answers = [sam.get(URL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_writes_have_an_allowance_of_their_own(
    world: World, browser_of: ClientFactory, settings: Any
) -> None:
    settings.API_READ_LIMIT, settings.API_WRITE_LIMIT = "1/m", "2/m"
    sam = browser_of(world.people.sam)
    assert [sam.get(URL).status_code for _ in range(2)] == [200, 429]
    assert [sam.post(URL).status_code for _ in range(3)] == [405, 405, 429]


ASK = """
import django; django.setup()
from django.core.cache import cache
cache.set("known", 1)
[cache.get("known") for _ in range(30)]
[cache.get("unknown") for _ in range(10)]
"""


def test_it_counts_what_every_process_asks(world: World, browser_of: ClientFactory) -> None:
    sam = browser_of(world.people.sam)
    before = sam.get(URL).json()
    for _ in range(2):
        subprocess.run([sys.executable, "-c", ASK], env=os.environ, check=True, timeout=180)
    after = sam.get(URL).json()
    assert after["hits"] - before["hits"] >= 60
    assert after["misses"] - before["misses"] >= 20
    asked = after["hits"] + after["misses"]
    assert after["hit_rate"] == round(after["hits"] / asked, 4)
