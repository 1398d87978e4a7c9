"""One installation behind each proxy for all tests of the shipped files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing import proxies
from testing.fixtures import World
from testing.proxies import Site


@pytest.fixture(scope="package")
def behind_nginx(django_db_setup: World) -> Iterator[Site]:
    with proxies.installation(proxies.nginx) as running:
        yield running


@pytest.fixture(scope="package")
def behind_caddy(django_db_setup: World) -> Iterator[Site]:
    with proxies.installation(proxies.caddy) as running:
        yield running
