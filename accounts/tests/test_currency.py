"""Amounts are US dollars; an organization's pages may show them in its own currency."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Entry
from calls.models import Call
from config.currencies import CURRENCIES, Rate, shown_in
from config.templatetags.formats import money
from exports.tests.helpers import made, table
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World

URL = "/settings/currency/"
EUROS = {
    "currency": "EUR",
    "rate_per_dollar": "0.92",
    "rate_since": "2026-11-01",
    "rate_source": "our contract",
}
NOTE = "1 US dollar = 0.92 EUR for calls of any day, the rate used since Nov 1, 2026 (our contract)"


@pytest.fixture
def admin(world: World, browser_of: ClientFactory) -> CanaryClient:
    with organization_context(world.acme):
        Call.objects.create(retell_call_id="call_1", status="ended", cost_cents=Decimal("1234.5"))
    return browser_of(world.people.alice, world.acme)


def fresh(organization: Organization) -> Organization:
    with platform():
        return Organization.objects.get(pk=organization.pk)


def test_amounts_are_dollars_until_somebody_chooses(admin: CanaryClient) -> None:
    page = admin.get("/calls/").content.decode()
    assert "$12.345" in page
    assert "≈" not in page


@pytest.mark.parametrize("path", ["/", "/calls/", "/exports/new/"])
def test_an_amount_says_what_it_was_and_the_page_at_which_rate(
    admin: CanaryClient, path: str
) -> None:
    assert admin.post(URL, EUROS).status_code == 302
    page = admin.get(path).content.decode()
    assert "≈ €11.3" in page
    assert 'title="US$12.3' in page
    assert NOTE in page


def test_a_page_without_amounts_explains_none(admin: CanaryClient) -> None:
    admin.post(URL, EUROS)
    assert "1 US dollar" not in admin.get("/jobs/").content.decode()


def test_another_organization_sees_dollars(
    admin: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    admin.post(URL, EUROS)
    with organization_context(world.globex):
        Call.objects.create(retell_call_id="call_2", status="ended", cost_cents=5)
    page = browser_of(world.people.charlie, world.globex).get("/calls/").content.decode()
    assert "$0.050" in page
    assert "≈" not in page


def test_a_file_stays_in_dollars_and_has_the_other_total(admin: CanaryClient, world: World) -> None:
    admin.post(URL, EUROS)
    acme = fresh(world.acme)
    with organization_context(acme):
        head, rows, foot = table(made(acme, world.people.alice))
    assert rows[0][head.index("Cost (USD)")] == "12.345"
    said = [row[0] for row in foot]
    assert "# Cost (USD): 12.345" in said
    assert (
        "# Cost (EUR): ≈ 11.36, at 0.92 for a US dollar, used since 2026-11-01 (our contract)"
        in said
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_per_dollar": ""},
        {"rate_per_dollar": "0"},
        {"rate_per_dollar": "NaN"},
        {"rate_since": "2999-01-01"},
        {"rate_since": ""},
        {"rate_source": ""},
        {"currency": "XXX"},
    ],
)
def test_a_rate_that_explains_nothing_is_refused(
    admin: CanaryClient, world: World, wrong: dict[str, str]
) -> None:
    page = admin.post(URL, EUROS | wrong)
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert fresh(world.acme).shown_rate is None


def test_dollars_need_no_rate_and_keep_none(admin: CanaryClient, world: World) -> None:
    admin.post(URL, EUROS)
    admin.post(URL, {"currency": "USD"})
    assert fresh(world.acme).shown_rate is None
    with platform():
        entry = Entry.objects.filter(organization_id=world.acme.pk).latest("sequence")
    assert entry.code == "organizations.settings_changed"
    assert "EUR" in str(entry.changes)


@given(
    cents=st.decimals(min_value=-(10**9), max_value=10**9, places=4),
    per_dollar=st.decimals(min_value="0.00000001", max_value=10**6, places=8),
    currency=st.sampled_from(sorted(CURRENCIES)),
    places=st.integers(2, 4),
)
def test_any_amount_at_any_rate_is_one_line(
    cents: Decimal, per_dollar: Decimal, currency: str, places: int
) -> None:
    with shown_in(Rate(currency, per_dollar, date(2026, 11, 1), "<b>")):
        shown = money(cents, places)
    assert shown.startswith('<span title="')
    assert "≈ " in shown
    assert "NaN" not in shown
