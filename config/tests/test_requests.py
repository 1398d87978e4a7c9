"""Requests that no browser of ours sends."""

from __future__ import annotations

import pytest

from testing.fixtures import CanaryClient, ClientFactory, World

PATHS = ("/", "/calls/", "/calls/chats/", "/deliveries/", "/deliveries/alerts/", "/agents/")
NAMES = (
    *("q", "agent", "direction", "reason", "status", "started_after", "period", "state", "event"),
    *("after", "before", "nonsense"),
)


@pytest.mark.parametrize("path", PATHS)
def test_a_nul_in_a_parameter_of_any_name_is_refused(
    world: World, browser_of: ClientFactory, path: str
) -> None:
    client = browser_of(world.people.alice, world.acme)
    queries = [*(f"{name}=a%00b" for name in NAMES), "%00=1", "q=a\x00b"]
    assert {client.get(f"{path}?{query}").status_code for query in queries} == {400}


@pytest.mark.parametrize("value", ["%ff", "%ed%a0%80", "%0a%1b", "%ef%bf%bf", "x" * 5000, "'\"<"])
@pytest.mark.parametrize("path", PATHS)
def test_no_parameter_breaks_a_page(
    world: World, browser_of: ClientFactory, path: str, value: str
) -> None:
    client = browser_of(world.people.alice, world.acme)
    assert {client.get(f"{path}?{name}={value}").status_code for name in NAMES} == {200}


@pytest.mark.parametrize("host", ["acme.localhost:8000", "localhost:8000", "nobody.localhost:8000"])
def test_a_nul_in_a_path_is_refused_on_every_host(world: World, host: str) -> None:
    for path in ("/%00", "/calls/%00/", "/static/%00.css", "/sign-in/?next=%00"):
        assert CanaryClient(host).get(path).status_code == 400
