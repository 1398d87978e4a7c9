"""`/health`, `/health/ready` and `/metrics`: what monitoring asks, on any host."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from config.networks import parse_network
from operations import metrics
from operations.health import MEASUREMENTS, Measurement, ready, rounds, work
from operations.health.rounds import Rounds
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, post
from testing.servers import Servers

TOKEN = "a token that is long enough to be believed"
HOSTS = ("localhost", "acme.localhost", "evil.example")


def get(path: str, host: str = "localhost", **headers: str) -> Any:
    return CanaryClient(host).get(path, headers=headers)


@pytest.fixture(autouse=True)
def _measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No results of the test before."""
    fresh = Rounds(ready._measure)
    monkeypatch.setattr("operations.probes.measurements", fresh)
    monkeypatch.setattr(metrics, "measurements", fresh)
    monkeypatch.setattr(metrics, "_samples", Rounds(metrics._measure))


@pytest.fixture
def scraper(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def scraped() -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and values of labels."""
    answer = get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    return samples_of(answer.content.decode())


def samples_of(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(value for _name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


# --- Alive and ready -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_health_says_alive_without_asking_anybody(host: str) -> None:
    """There is no database in this test: asking it would fail."""
    answer = get("/health", host)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("host", HOSTS)
def test_ready_names_each_check_and_nothing_else(committed: World, host: str) -> None:
    answer = get("/health/ready", host)
    assert answer.status_code == 503  # there is no worker
    checks = answer.json()["checks"]
    assert list(checks) == list(MEASUREMENTS)
    assert set(checks.values()) == {"ok", "not ok"}
    assert (checks["database"], checks["worker"]) == ("ok", "not ok")


def test_ready_is_200_when_everything_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    well = Rounds(lambda: [Measurement(code, is_well=True, found="") for code in MEASUREMENTS])
    monkeypatch.setattr("operations.probes.measurements", well)
    answer = get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize("path", ["/health", "/health/ready/"])
def test_probes_are_read_only(path: str) -> None:
    answer = CanaryClient("localhost").post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_a_database_that_is_gone_is_not_ready_and_not_an_error(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "not ok"
    assert answer.json()["checks"]["redis"] == "ok"


def test_a_round_that_stands_still_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "WAIT_SECONDS", 0.2)

    def frozen() -> Iterator[str]:
        yield "known"
        time.sleep(2)
        yield "too late"

    looked = Rounds(frozen)
    assert looked.look() == ["known"]
    began = time.monotonic()
    assert looked.look() == ["known"]  # and no second thread beside the first
    assert time.monotonic() - began < 0.1


def test_who_asks_at_once_shares_one_round() -> None:
    asked: list[int] = []

    def work() -> Iterator[int]:
        asked.append(1)
        yield 1

    looked = Rounds(work)
    assert [looked.look() for _ in range(5)] == [[1]] * 5
    assert len(asked) == 1


def test_a_round_that_fails_keeps_what_it_found(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    assert Rounds(work).look() == [1]
    assert "ended early" in caplog.text


# --- Metrics -------------------------------------------------------------------------------------


def test_metrics_are_not_there_for_strangers(
    world: World, browser_of: ClientFactory, scraper: None
) -> None:
    """Byte for byte what a page that never was answers, but for the reference."""

    def body(answer: Any) -> str:
        return re.sub(r"[0-9a-f]{32}", "", answer.content.decode())

    for host in ("localhost:8000", "acme.localhost:8000", "evil.example"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            asked, never = get("/metrics", host, **headers), get("/metricz", host, **headers)
            assert asked.status_code == 404
            assert body(asked) == body(never).replace("metricz", "metrics")


def test_without_a_token_nobody_has_it(settings: Any, world: World) -> None:
    assert settings.METRICS_TOKEN == ""
    assert get("/metrics", Authorization="Bearer ").status_code == 404


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 404)])
def test_allowed_addresses_need_no_token(
    committed: World, settings: Any, network: str, status: int
) -> None:
    settings.METRICS_ALLOWED = (parse_network(network),)
    assert get("/metrics").status_code == status


def test_an_address_that_the_client_claims_counts_for_nothing(world: World, settings: Any) -> None:
    settings.METRICS_ALLOWED = (parse_network("10.0.0.1"),)
    assert get("/metrics", **{"X-Forwarded-For": "10.0.0.1"}).status_code == 404


def test_metrics_say_what_is_measured(
    committed: World, scraper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "worker_silence", lambda: None)  # nobody there
    found = scraped()
    assert found["switchboard_check", ("database",)] == 1
    assert found["switchboard_worker_silence_seconds", ()] == float("inf")
    assert ("switchboard_queue_age_seconds", ("default",)) in found
    assert found["switchboard_disk_free_bytes", ("product",)] > 0
    assert ("switchboard_cache_hits_total", ()) in found


def test_every_metric_is_named_although_nothing_is_known_of_it(
    committed: World, scraper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = get("/metrics", Authorization=f"Bearer {TOKEN}")
    families = {f.name for f in text_string_to_metric_families(answer.content.decode())}
    assert {name.removesuffix("_total") for name in metrics.MEASURED} <= families


def test_requests_are_counted_by_route_and_status(committed: World, scraper: None) -> None:
    key = ("switchboard_requests_total", ("GET", "accounts:sign_in", "200"))
    before = scraped().get(key, 0)
    get("/sign-in/", "acme.localhost:8000")
    after = scraped()
    assert after[key] == before + 1
    assert after["switchboard_requests_total", ("GET", "probe", "200")] >= 1


def test_deliveries_are_counted_by_verdict_and_refusals_by_cause(
    committed: World, scraper: None
) -> None:
    verdict = ("switchboard_deliveries_total", ("quarantined",))
    again = ("switchboard_deliveries_total", ("repetition",))
    refusal = ("switchboard_refusals_total", ("unknown_token",))
    before = scraped()
    for _ in range(2):
        post(committed, b"no json")
    CanaryClient("localhost").post("/webhooks/retell/unknown/")
    after = scraped()
    for key in (verdict, again, refusal):
        assert after[key] == before.get(key, 0) + 1


def test_no_label_is_of_an_organization_or_a_person(committed: World, scraper: None) -> None:
    post(committed, body_of())
    get("/calls/?q=somebody", "acme.localhost:8000")
    text = get("/metrics", Authorization=f"Bearer {TOKEN}").content.decode().lower()
    for name in ("acme", "globex", "alice", "somebody", "example.com"):
        assert name not in text


def test_all_processes_are_counted_together(
    committed: World, servers: Servers, scraper: None
) -> None:
    """Two workers of web, which share the folder with this process."""
    key = ("switchboard_requests_total", ("GET", "accounts:sign_in", "200"))
    before = scraped().get(key, 0)
    for _ in range(20):
        with httpx.Client() as client:  # a connection each, so that both workers get some
            host = {"Host": "acme.localhost"}
            client.get(f"http://127.0.0.1:{servers.web_port}/sign-in/", headers=host)
    assert scraped()[key] == before + 20


COUNT = """
import django; django.setup()
from config.metrics import JOBS
JOBS.labels("a-test", "succeeded").inc()
print("counted", flush=True)
import time; time.sleep(60)
"""


def test_no_count_goes_back_when_processes_die(scraper: None, committed: World) -> None:
    """Killed, started again, and two at the same time: as many files as ran at once."""
    key = ("switchboard_jobs_total", ("succeeded", "a-test"))
    for number in (1, 3):
        running = [
            subprocess.Popen([sys.executable, "-c", COUNT], stdout=subprocess.PIPE, env=os.environ)
            for _ in range(number)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"counted\n"
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
    assert scraped()[key] == 4
