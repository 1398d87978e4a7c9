"""Changing many calls: what is shown before, what is changed, by a job when it is much."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry
from calls import bulk
from calls.actions import tag_call
from calls.bulk import Change, Target
from calls.models import Call, CallTag
from calls.selection import Selection
from calls.tests.records import make_call, make_calls
from jobs import actions as jobs
from jobs.actions import JobFailed
from jobs.models import Job, JobState
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.retell import body_of, receive


@pytest.fixture
def alice(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


@pytest.fixture
def bob(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.bob, world.acme)


def ask(client: CanaryClient, query: str) -> dict[str, Any]:
    """What the confirmation shows."""
    answer = client.get(f"/calls/change/?{query}")
    assert answer.status_code == 200, answer.headers
    return {name: answer.context[name] for name in ("target", "totals", "lines")}


def change(client: CanaryClient, query: str, **data: str) -> Any:
    do = query.partition("do=")[2].partition("&")[0]
    target = ask(client, query)["target"]
    return client.post(f"/calls/change/?{query}", {"do": do, "target": target, **data})


def billable(world: World) -> dict[str, bool]:
    with organization_context(world.acme):
        return dict(Call.objects.values_list("retell_call_id", "is_billable"))


def run_job(organization: Organization) -> Job:
    with organization_context(organization):
        jobs.run(organization, Job.objects.get().pk)
        return Job.objects.get()


def test_count_and_cost_are_shown_before(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(60)
        make_call("call_other", status="error", cost_cents=5)
    asked = ask(alice, "do=classify&all=1&status=ended")
    assert (asked["totals"].calls, asked["totals"].cost_cents) == (60, 6000)
    page = alice.get("/calls/change/?do=classify&all=1&status=ended").content.decode()
    assert "Are 60 calls revenue or tests?" in page
    assert "$60.00" in page
    assert "Status is Ended" in page


def test_ticked_calls_are_changed_at_once(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        one, two, _ = make_calls(3)
    query = f"do=classify&call={one.pk}&call={two.pk}&status=ended"
    answer = change(alice, query, is_billable="no", reason="Our own")
    assert answer.headers["Location"] == "/calls/?status=ended"
    assert billable(world) == {"call_0": False, "call_1": False, "call_2": True}


def test_each_call_has_its_entry_in_the_log(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(2)
    change(alice, "do=classify&all=1", is_billable="no", reason="Our own")
    entries = Entry.objects.filter(code="calls.classified")
    assert {entry.object_repr for entry in entries} == {"call_0", "call_1"}
    assert {entry.reason for entry in entries} == {"Our own"}


def test_a_reason_is_required(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(1)
    answer = change(alice, "do=classify&all=1", is_billable="no", reason=" ")
    assert "This field is required." in answer.content.decode()
    assert billable(world) == {"call_0": True}


def test_more_than_a_page_is_a_job(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(51)
    answer = change(alice, "do=classify&all=1", is_billable="no", reason="Our own")
    assert answer.headers["Location"].startswith("/jobs/")
    assert all(billable(world).values())
    job = run_job(world.acme)
    assert (job.state, job.total, job.done, job.counts) == (JobState.DONE, 51, 51, {"changed": 51})
    assert not any(billable(world).values())


def test_a_job_over_a_filter_that_its_work_empties_changes_all(
    world: World, alice: CanaryClient
) -> None:
    with organization_context(world.acme):
        make_calls(bulk.BATCH + 20)
    change(alice, "do=classify&all=1&revenue=revenue", is_billable="no", reason="Our own")
    run_job(world.acme)
    assert not any(billable(world).values())


def test_calls_that_come_later_are_left_out(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(60)
    change(alice, "do=classify&all=1", is_billable="no", reason="Our own")
    with organization_context(world.acme):
        make_call("call_new")
    run_job(world.acme)
    assert [name for name, value in billable(world).items() if value] == ["call_new"]


def test_a_resumed_job_goes_on_where_it_was(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(60)
    change(alice, "do=classify&all=1", is_billable="no", reason="Our own")
    with organization_context(world.acme):
        half = Call.objects.order_by("id")[29]
        Job.objects.update(position={"after": str(half.pk)}, done=30)
    job = run_job(world.acme)
    assert (job.done, sum(not value for value in billable(world).values())) == (60, 30)


def test_what_a_person_set_outranks_later_events(world: World, alice: CanaryClient) -> None:
    receive(world, body_of("call_started", "call_1"))
    change(alice, "do=classify&all=1", is_billable="no", reason="Our own")
    receive(world, body_of("call_ended", "call_1", duration_ms=5000))
    assert billable(world) == {"call_1": False}


def test_many_calls_are_tagged_and_untagged(world: World, bob: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(3)
    change(bob, "do=tag&all=1", name="Follow up")
    with organization_context(world.acme):
        assert Selection.from_query(
            "tag=Follow+up", organization=world.acme, sees_personal_data=False
        ).count() == 3  # fmt: skip
        tag = str(CallTag.objects.values_list("tag", flat=True)[0])
    change(bob, "do=untag&all=1", tag=tag)
    with organization_context(world.acme):
        assert not CallTag.objects.exists()


def test_a_tag_that_cannot_be_is_explained(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(1)
    answer = change(alice, "do=tag&all=1", name="619 555 0142")
    assert "A tag may not hold a phone number" in answer.content.decode()


def test_a_call_with_too_many_tags_is_left_and_said(world: World, alice: CanaryClient) -> None:
    with organization_context(world.acme):
        full, *_ = make_calls(2)
        for number in range(20):
            tag_call(full, name=f"tag {number}", tagged_by="")
    answer = change(alice, "do=tag&all=1", name="One more")
    said = [str(message) for message in alice.get(answer.headers["Location"]).context["messages"]]
    assert "1 call has too many tags already and was left as it is." in said
    assert "1 call was changed." in said


def test_a_viewer_classifies_nothing(world: World, bob: CanaryClient) -> None:
    with organization_context(world.acme):
        make_calls(1)
    assert bob.get("/calls/change/?do=classify&all=1").status_code == 403
    assert bob.post("/calls/change/", {"do": "classify"}).status_code == 403


@pytest.mark.parametrize(
    "query", ["", "do=explode&all=1", "do=tag", "do=tag&call=x", "do=tag&all=1&colour=red"]
)
def test_what_is_not_clear_changes_nothing_and_says_so(
    world: World, alice: CanaryClient, query: str
) -> None:
    answer = alice.get(f"/calls/change/?{query}")
    assert answer.status_code == 302
    said = [str(message) for message in alice.get(answer.headers["Location"]).context["messages"]]
    assert said[0].startswith("Nothing was changed")


def test_what_was_asked_in_another_organization_is_refused(
    world: World, alice: CanaryClient, browser_of: ClientFactory
) -> None:
    for organization in (world.acme, world.globex):
        with organization_context(organization):
            make_calls(1)
    charlie = browser_of(world.people.charlie, world.globex)
    target = ask(charlie, "do=classify&all=1")["target"]
    data = {"do": "classify", "target": target, "is_billable": "no", "reason": "x"}
    alice.post("/calls/change/?do=classify&all=1", data)
    assert billable(world) == {"call_0": True}


def test_a_job_whose_filter_cannot_be_read_any_more_changes_nothing(in_acme: Organization) -> None:
    make_calls(1)
    target = Target(query="tag=gone", through=str(Call.objects.get().pk))
    with pytest.raises(JobFailed, match="cannot be read any more"):
        bulk.apply_now(in_acme, target, Change("tag", "a", tag="x"))


def test_the_title_of_a_job_masks_a_searched_number(in_acme: Organization) -> None:
    selection = Selection.from_query("q=6195550142", organization=in_acme, sees_personal_data=True)
    text = Change("classify", "a").title.format(filter=bulk.all_of(selection).text(in_acme))
    assert text == "Mark as test: Number, call ID, words contains •••• 0142"
