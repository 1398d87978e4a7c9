"""The readiness page: what is measured, signed off, scored and shown."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Entry
from operations.health import Measurement
from operations.models import AllowedNetwork
from operations.readiness import actions, querysets
from operations.readiness.assessment import Assessment, Result, assess, measure_all
from operations.readiness.categories import ITEMS, by_code, monitoring, security, tested
from operations.readiness.models import ReadinessAssessment, SignOff
from operations.readiness.vocabulary import Category, Item, Phase, State
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World

SIGNED = by_code["load-test"]
NOTE = "300 events a second on both hosts, nothing lost"


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def well(code: str) -> Measurement:
    return Measurement(code, is_well=True, found="It is well.")


def everything_well() -> dict[str, Measurement]:
    return {item.code: well(item.code) for item in ITEMS if not item.is_signed_off}


def sign(world: World, item: Item = SIGNED, **changes: Any) -> SignOff:
    signed = actions.sign_off(item, actor=world.people.sam, note=NOTE, days=30)
    with platform():
        SignOff.objects.filter(pk=signed.pk).update(**changes) if changes else None
    return signed


def remember(measured: dict[str, Measurement], **fields: Any) -> ReadinessAssessment:
    """As if it had been measured just now."""
    stored = {
        c: {"is_well": m.is_well, "found": m.found, "fix": m.fix} for c, m in measured.items()
    }
    with platform():
        return ReadinessAssessment.objects.create(
            finished_at=fields.pop("finished_at", timezone.now()), measured=stored, **fields
        )


def state_of(code: str) -> State:
    page = assess(querysets.measured(querysets.latest()), querysets.sign_offs())
    return next(result.state for result in page.results if result.item.code == code)


# --- Items and scores ----------------------------------------------------------------------------


def test_every_category_and_checklist_has_items() -> None:
    assert {item.category for item in ITEMS} == set(Category)
    assert {phase for item in ITEMS for phase in item.phases} == set(Phase)


def test_every_item_is_measured_or_can_be_signed_off() -> None:
    for item in ITEMS:
        assert bool(item.measure) != bool(item.signed_days), item.code
        assert item.measure or item.fix, item.code


def test_codes_are_unique_and_fit_their_measurements(world: World) -> None:
    assert len(by_code) == len(ITEMS)
    for code, found in measure_all().items():
        assert found.code == code
        assert found.found.endswith("."), found
        assert found.is_well or found.fix.endswith("."), found


@given(st.lists(st.sampled_from(list(State)), min_size=len(ITEMS), max_size=len(ITEMS)))
def test_only_what_lacks_nothing_scores_a_hundred(states: list[State]) -> None:
    whole = Assessment([Result(i, s) for i, s in zip(ITEMS, states, strict=True)])
    assert (whole.score.percent == 100) == (not whole.missing)
    assert 0 <= whole.score.percent <= 100
    assert whole.lacks_essentials == any(r.item.is_essential for r in whole.missing)


def test_what_breaks_while_it_is_measured_hides_no_other_item() -> None:
    def breaks() -> Measurement:
        raise ZeroDivisionError

    broken = Item(code="broken", category=Category.DATA, title="Broken", why="", measure=breaks)
    whole = Item(
        code="whole", category=Category.DATA, title="Whole", why="", measure=lambda: well("whole")
    )
    found = measure_all([broken, whole])
    assert (found["broken"].is_well, found["whole"].is_well) == (False, True)


# --- Signing off ---------------------------------------------------------------------------------


def test_a_signature_counts_until_it_expires(world: World) -> None:
    assert state_of(SIGNED.code) == State.MISSING
    sign(world)
    assert state_of(SIGNED.code) == State.SIGNED
    sign(world, expires_at=timezone.now() - timedelta(seconds=1))
    assert state_of(SIGNED.code) == State.EXPIRED


def test_what_is_taken_back_counts_no_more(world: World) -> None:
    sign(world)
    actions.withdraw(SIGNED)
    assert state_of(SIGNED.code) == State.MISSING
    with pytest.raises(actions.ReadinessError):
        actions.withdraw(SIGNED)


@pytest.mark.parametrize("days", [0, -1, SIGNED.signed_days + 1])
def test_nobody_signs_for_longer_than_it_holds(world: World, days: int) -> None:
    with pytest.raises(actions.ReadinessError):
        actions.sign_off(SIGNED, actor=world.people.sam, note=NOTE, days=days)
    assert querysets.sign_offs() == {}


def test_nobody_signs_off_what_is_measured(world: World) -> None:
    with pytest.raises(actions.ReadinessError):
        actions.sign_off(by_code["redis"], actor=world.people.sam, note=NOTE, days=1)


def test_signing_off_is_written_down_with_its_reason(world: World, sam: CanaryClient) -> None:
    sam.post(f"/readiness/{SIGNED.code}/", {"note": NOTE, "days": 10})
    with platform():
        entry = Entry.objects.get(code="readiness.signed_off")
    assert (entry.object_repr, entry.reason) == (SIGNED.code, NOTE)
    assert entry.actor_label == world.people.sam.audit_label


# --- Measuring -----------------------------------------------------------------------------------


def test_a_super_admin_without_a_factor_is_found(world: World) -> None:
    assert security.super_admins_have_factors().is_well
    world.people.alice.is_super_admin = True
    world.people.alice.save()
    assert not security.super_admins_have_factors().is_well


def test_an_address_list_is_wanted(world: World) -> None:
    assert not security.address_list().is_well
    with platform():
        AllowedNetwork.objects.create(cidr="203.0.113.0/24")
    assert security.address_list().is_well


@pytest.mark.parametrize(
    ("rate", "is_well"), [("10/5m", True), ("1/m", True), ("11/5m", False), ("often", False)]
)
def test_a_limit_that_was_loosened_is_found(settings: Any, rate: str, is_well: bool) -> None:
    settings.SIGN_IN_LIMIT = rate
    assert security.limits().is_well is is_well


def test_organizations_that_wait_for_their_first_event_are_counted(world: World) -> None:
    found = tested.first_events()
    assert not found.is_well
    assert "wait for their first event: 2" in found.found


def test_errors_are_counted_from_the_metrics(sam: CanaryClient) -> None:
    before, _failed = monitoring.counted()
    sam.get("/readiness/")
    assert monitoring.counted()[0] == before + 1


def test_asking_twice_measures_once(world: World) -> None:
    assert actions.request_assessment("Sam")
    assert not actions.request_assessment("Sam")


def test_history_holds_the_last_score_of_each_day(world: World) -> None:
    now = timezone.now()
    for days, score in ((2, 40), (1, 50), (0, 60)):
        remember({}, score=score, finished_at=now - timedelta(days=days))
    remember({}, score=70, finished_at=now)
    assert [score for _at, score in querysets.history()] == [40, 50, 70]


# --- Pages ---------------------------------------------------------------------------------------


def test_before_anything_was_measured_the_page_says_so(sam: CanaryClient) -> None:
    page = sam.get("/readiness/").content.decode()
    assert "Nothing was measured yet." in page
    assert page.count("Not measured yet.") == sum(not item.is_signed_off for item in ITEMS)


def test_the_page_says_what_is_missing_and_how_to_mend_it(world: World, sam: CanaryClient) -> None:
    found = everything_well()
    found["redis"] = Measurement("redis", False, "Redis does not answer.", "Start Redis.")
    remember(found)
    page = sam.get("/readiness/").content.decode()
    assert "Redis does not answer. Start Redis." in page
    assert "Something essential is missing" in page


def test_with_everything_measured_and_signed_it_is_ready(world: World, sam: CanaryClient) -> None:
    remember(everything_well())
    for item in ITEMS:
        if item.is_signed_off:
            sign(world, item)
    page = sam.get("/readiness/").content.decode()
    assert "100 % ready" in page
    assert "Everything is done." in page


@pytest.mark.parametrize("phase", list(Phase))
def test_a_checklist_shows_the_items_of_its_phase(sam: CanaryClient, phase: Phase) -> None:
    results = sam.get(f"/readiness/?list={phase.value}").context["cards"][0]["results"]
    assert {r.item.code for r in results} == {i.code for i in ITEMS if phase in i.phases}


def test_an_unknown_checklist_shows_the_assessment(sam: CanaryClient) -> None:
    assert len(sam.get("/readiness/?list=%27%22").context["cards"]) == len(Category)


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"note": "short", "days": 5}, "note"), ({"note": NOTE, "days": 9999}, "days")],
)
def test_what_cannot_be_signed_is_explained_beside_the_field(
    world: World, sam: CanaryClient, sent: dict[str, Any], field: str
) -> None:
    answer = sam.post(f"/readiness/{SIGNED.code}/", sent)
    assert list(answer.context["form"].errors) == [field]
    assert querysets.sign_offs() == {}


def test_signing_off_asks_who_one_is(world: World, browser_of: ClientFactory) -> None:
    client = browser_of(world.people.sam, confirmed=False)
    answer = client.post(f"/readiness/{SIGNED.code}/", {"note": NOTE, "days": 5})
    assert answer["Location"].startswith("/confirm/")
    assert querysets.sign_offs() == {}


def test_an_unknown_item_is_404(sam: CanaryClient) -> None:
    assert sam.get("/readiness/nothing/").status_code == 404


# --- The command ---------------------------------------------------------------------------------


def readiness(*arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command("readiness", *arguments, stdout=output)
    except SystemExit as ended:
        return int(ended.code or 0), output.getvalue()
    return 0, output.getvalue()


def test_the_command_tells_everything_as_json(world: World) -> None:
    code, output = readiness("--json")
    told = json.loads(output)
    assert code == 0
    assert {item["code"] for item in told["items"]} == set(by_code)
    assert told["score"] == ReadinessAssessment.objects.latest("id").score


def test_the_command_fails_below_the_score_it_is_given(world: World) -> None:
    assert readiness("--fail-under", "100")[0] == 1
    assert readiness("--fail-under", "0")[0] == 0


@pytest.mark.parametrize("percent", ["-1", "101"])
def test_the_command_refuses_impossible_scores(world: World, percent: str) -> None:
    with pytest.raises(CommandError):
        readiness("--fail-under", percent)
    assert not ReadinessAssessment.objects.exists()
