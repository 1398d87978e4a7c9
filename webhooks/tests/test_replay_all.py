"""Applying everything again that matches a filter: bound to what was asked, resumed, cancelled."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.models import Entry
from calls import sql as calls_sql
from calls.models import Call, Chat
from jobs import actions as jobs
from jobs.models import Job, JobState
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import ClientFactory, World
from testing.retell import against_database, body_of, call_of, receive, samples, undone
from webhooks import actions, replaying, retention, tasks, together
from webhooks.filters import DeliveryFilter
from webhooks.models import Delivery


@pytest.fixture(autouse=True)
def _every_step_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SAVE_EVERY_SECONDS", 0)


def selected(organization: Organization, **data: str) -> replaying.Selection:
    filters = DeliveryFilter(data, Delivery.objects.for_list(), zone=organization.zone)
    return replaying.select(organization, filters)


def run(organization: Organization, job: Job) -> Job:
    jobs.run(organization, job.pk)
    job.refresh_from_db()
    return job


def replayed(organization: Organization, **data: str) -> Job:
    return run(organization, replaying.start(organization, selected(organization, **data)))


def calls(world: World, count: int) -> None:
    for number in range(count):
        receive(world, body_of(call_id=f"call_{number}", duration_ms=number * 1000))


def forget(state: str = "quarantined") -> None:
    """As if an older version had not understood any of it."""
    Delivery.objects.update(state=state, reason="wrong_type", reason_detail="x", applied_at=None)
    Call.objects.all().delete()


def test_what_was_in_quarantine_is_applied_after_a_fix(world: World, in_acme: Organization) -> None:
    calls(world, 3)
    forget()
    job = replayed(in_acme, verdict="quarantined")
    assert (job.state, job.done, job.total) == (JobState.DONE, 3, 3)
    assert job.counts == {"applied": 3}
    assert list(Call.objects.order_by("duration_ms").values_list("duration_ms", flat=True)) == [
        0,
        1000,
        2000,
    ]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}


def test_only_what_matches_is_applied_again(world: World, in_acme: Organization) -> None:
    calls(world, 3)
    replayed(in_acme, q="call_1")
    assert list(Delivery.objects.filter(attempts=2).values_list("subject_id", flat=True)) == [
        "call_1"
    ]


def test_what_is_right_stays_and_is_counted_as_unchanged(
    world: World, in_acme: Organization
) -> None:
    calls(world, 3)
    before = list(Call.objects.order_by("pk").values())
    assert replayed(in_acme).counts == {"unchanged": 3}
    assert list(Call.objects.order_by("pk").values()) == before


def test_each_end_is_counted_by_its_name(world: World, in_acme: Organization) -> None:
    receive(world, b"not JSON")
    receive(world, body_of("call_recorded", "call_recorded"))
    calls(world, 2)
    retention.empty(Delivery.objects.filter(subject_id="call_1"))
    job = replayed(in_acme)
    assert job.counts == {
        "still quarantined: not_json": 1, "ignored": 1, "unchanged": 1, "body removed": 1,
    }  # fmt: skip
    assert job.message.startswith("2 could not be applied")


def test_one_that_fails_stops_no_other(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 3)
    forget()
    parameters = calls_sql.parameters

    def fail_on_one(target: Any, reading: Any, **more: Any) -> list[Any]:
        if reading.subject_id == "call_1":
            reading.details = {"x": float("nan")}  # PostgreSQL refuses it
        return parameters(target, reading, **more)

    monkeypatch.setattr(calls_sql, "parameters", fail_on_one)
    assert replayed(in_acme).counts == {"applied": 2, "failed": 1}
    assert Delivery.objects.get(subject_id="call_1").state == "failed"
    assert not Call.objects.filter(retell_call_id="call_1").exists()


def test_a_removed_body_is_left_as_it_was(world: World, in_acme: Organization) -> None:
    calls(world, 1)
    retention.empty(Delivery.objects.all())
    before = Delivery.objects.values().get()
    replayed(in_acme)
    assert Delivery.objects.values().get() == before


def test_a_redacted_body_is_applied_as_it_is_kept(world: World, in_acme: Organization) -> None:
    receive(world, body_of(transcript="secret", data_storage_setting="basic_attributes_only"))
    before = Call.objects.values().get()
    assert replayed(in_acme).counts == {"unchanged": 1}
    assert Call.objects.values().get() == before


def test_what_arrives_after_the_question_is_left_out(world: World, in_acme: Organization) -> None:
    calls(world, 2)
    selection = selected(in_acme)
    receive(world, body_of(call_id="call_later"))
    assert selection.count() == 2
    assert run(in_acme, replaying.start(in_acme, selection)).done == 2
    assert Delivery.objects.get(subject_id="call_later").attempts == 1


class KilledWorker(BaseException):
    """As SIGKILL leaves it: nothing is tidied up."""


def test_work_of_a_killed_worker_goes_on_behind_the_last_batch(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 5)
    monkeypatch.setattr(replaying, "BATCH", 2)
    job = replaying.start(in_acme, selected(in_acme))
    with monkeypatch.context() as patch:
        kill_the_worker_at("call_3", patch)
        killed(in_acme, job)
    run(in_acme, job)
    assert (job.state, job.done, job.counts) == (JobState.DONE, 5, {"unchanged": 5})
    attempts = Delivery.objects.order_by("id").values_list("attempts", flat=True)
    assert list(attempts) == [2, 2, 3, 3, 2]
    assert not Delivery.objects.exclude(unfinished=0).exists()


def test_what_a_batch_changed_goes_with_its_worker(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 3)
    forget()
    job = replaying.start(in_acme, selected(in_acme))
    with monkeypatch.context() as patch:
        kill_the_worker_at("call_2", patch)
        killed(in_acme, job)
    assert not Call.objects.exists()
    assert run(in_acme, job).counts == {"applied": 3}


def test_each_event_of_a_call_is_counted_by_what_it_changed(
    world: World, in_acme: Organization
) -> None:
    receive(world, body_of("call_started", agent_id="agent_1", agent_name="First"))
    receive(world, body_of("call_ended", disconnection_reason="user_hangup"))
    Call.objects.all().delete()
    receive(world, body_of("call_analyzed", duration_ms=1000))
    assert replayed(in_acme).counts == {"applied": 2, "unchanged": 1}
    assert call_of(world).duration_ms == 1000


def test_large_bodies_make_small_batches(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 3)
    monkeypatch.setattr(replaying, "BATCH_BYTES", 1)
    assert len(replaying._next(Delivery.objects.all(), None)) == 1
    assert replayed(in_acme).done == 3


def test_statements_of_a_batch_do_not_grow_with_it(
    world: World, in_acme: Organization, django_assert_max_num_queries: Any
) -> None:
    calls(world, 40)
    job = replaying.start(in_acme, selected(in_acme))
    with django_assert_max_num_queries(30):
        run(in_acme, job)
    assert job.done == 40


def kill_the_worker_at(call_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = calls_sql.parameters

    def die(target: Any, reading: Any, **more: Any) -> list[Any]:
        if reading.subject_id == call_id:
            raise KilledWorker
        return parameters(target, reading, **more)

    monkeypatch.setattr(calls_sql, "parameters", die)


def killed(organization: Organization, job: Job) -> None:
    with pytest.raises(KilledWorker):
        jobs.run(organization, job.pk)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))


def test_one_that_kills_each_worker_is_left_out_with_a_verdict(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 3)
    job = replaying.start(in_acme, selected(in_acme))
    kill_the_worker_at("call_1", monkeypatch)
    for _ in range(actions.UNFINISHED_MAX):
        killed(in_acme, job)
    run(in_acme, job)
    assert (job.state, job.done) == (JobState.DONE, 3)
    assert job.counts == {"unchanged": 2, replaying.STOPS_WORKER: 1}
    delivery = Delivery.objects.get(subject_id="call_1")
    assert (delivery.state, delivery.reason, delivery.retry_at) == (
        "failed",
        "stopped_worker",
        None,
    )
    assert "never came to an end" in delivery.reason_text


def test_asking_for_that_very_one_tries_it_and_an_end_counts_anew(
    world: World, in_acme: Organization
) -> None:
    calls(world, 1)
    Delivery.objects.update(unfinished=actions.UNFINISHED_MAX)
    actions.replay(Delivery.objects.get(), organization=in_acme)
    assert Delivery.objects.get().unfinished == 0


def test_the_job_that_tries_again_leaves_it_out_too(world: World, in_acme: Organization) -> None:
    calls(world, 2)
    soon = timezone.now() - timedelta(minutes=1)
    Delivery.objects.update(retry_at=soon, state="failed")
    Delivery.objects.filter(subject_id="call_0").update(unfinished=actions.UNFINISHED_MAX)
    tasks._retry(in_acme)
    states = Delivery.objects.order_by("id").values_list("state", "reason")
    assert list(states) == [("failed", "stopped_worker"), ("applied", "")]
    assert not Delivery.objects.due(timezone.now() + timedelta(days=9)).exists()


def test_a_cancelled_one_stops_and_keeps_what_was_done(
    world: World, in_acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls(world, 5)
    monkeypatch.setattr(replaying, "BATCH", 2)
    job = replaying.start(in_acme, selected(in_acme))
    apply_again = together.apply_again

    def cancel_at_first(deliveries: Any, **more: Any) -> list[actions.Applied]:
        jobs.cancel(job)
        return apply_again(deliveries, **more)

    monkeypatch.setattr(together, "apply_again", cancel_at_first)
    assert (run(in_acme, job).state, job.done) == (JobState.CANCELLED, 2)
    assert Delivery.objects.filter(attempts=2).count() == 2


def test_a_filter_that_cannot_be_read_any_more_applies_nothing(
    world: World, in_acme: Organization
) -> None:
    calls(world, 1)
    job = replaying.start(in_acme, selected(in_acme))
    job.parameters["filters"] = {"agent": "0193f000-0000-7000-8000-000000000001"}
    job.save()
    assert "cannot be read any more" in run(in_acme, job).message
    assert (job.state, job.done) == (JobState.FAILED, 0)


def test_a_mass_of_replays_marks_nothing_for_redaction(world: World, in_acme: Organization) -> None:
    """Such marks are worked off in order: those that need it would wait for hours."""
    calls(world, 3)
    receive(
        world, body_of(call_id="call_kept_little", data_storage_setting="everything_except_pii")
    )
    Delivery.objects.update(redact_at=None)
    replayed(in_acme)
    marked = Delivery.objects.filter(redact_at__isnull=False)
    assert [delivery.subject_id for delivery in marked] == ["call_kept_little"]


# --- Any subset, any number of times -------------------------------------------------------------


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    return [found.body for found in samples()]


@hypothesis_settings(against_database, max_examples=20)
@given(data=st.data())
def test_replaying_any_subset_any_number_of_times_changes_no_row(
    world: World, bodies: list[bytes], data: st.DataObject
) -> None:
    with undone():
        for body in data.draw(st.lists(st.sampled_from(bodies), min_size=1, max_size=8)):
            receive(world, body)
        with organization_context(world.acme):
            before = [list(model.objects.order_by("pk").values()) for model in (Call, Chat)]
            deliveries = list(Delivery.objects.order_by("pk"))
            for delivery in data.draw(st.lists(st.sampled_from(deliveries), max_size=12)):
                assert not actions.apply_again(delivery, organization=world.acme).changed
            replayed(world.acme)
            after = [list(model.objects.order_by("pk").values()) for model in (Call, Chat)]
    assert after == before


# --- Pages ---------------------------------------------------------------------------------------


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_button_shows_the_count_and_leads_to_the_question(
    world: World, browser_of: ClientFactory
) -> None:
    calls(world, 3)
    alice = browser_of(world.people.alice, world.acme)
    page = text_of(alice.get("/deliveries/?q=call_1"))
    assert "Apply 1 delivery again…" in page
    assert "/deliveries/replay/?q=call_1" in page
    question = text_of(alice.get("/deliveries/replay/?q=call_1"))
    assert "Apply 1 delivery again" in question
    assert "begins with call_1" in question


def test_a_viewer_sees_no_button(world: World, browser_of: ClientFactory) -> None:
    calls(world, 1)
    assert "/deliveries/replay/" not in text_of(
        browser_of(world.people.bob, world.acme).get("/deliveries/")
    )


def test_the_answer_starts_what_was_asked_and_is_written_down(
    world: World, browser_of: ClientFactory
) -> None:
    calls(world, 3)
    alice = browser_of(world.people.alice, world.acme)
    question = alice.get("/deliveries/replay/?q=call_1")
    response = alice.post("/deliveries/replay/", {"selection": question.context["selection"]})
    with organization_context(world.acme):
        job = Job.objects.get()
        entry = Entry.objects.latest("sequence")
        run(world.acme, job)
    assert response.headers["Location"] == f"/jobs/{job.pk}/"
    assert entry.sentence == "Alice started “Apply again: Call ID begins with call_1”"
    assert (job.done, job.started_by) == (1, "Alice")
    assert "1 of 1 deliveries" in text_of(alice.get(response.headers["Location"]))


@pytest.mark.parametrize("selection", ["", "x", "of globex"])
def test_an_answer_to_another_question_starts_nothing(
    world: World, browser_of: ClientFactory, selection: str
) -> None:
    charlie = browser_of(world.people.charlie, world.globex)
    if selection == "of globex":
        with organization_context(world.globex):
            actions.receive(world.endpoints["globex"], body_of())
        selection = charlie.get("/deliveries/replay/").context["selection"]
    alice = browser_of(world.people.alice, world.acme)
    alice.post("/deliveries/replay/", {"selection": selection})
    with organization_context(world.acme):
        assert not Job.objects.exists()


@pytest.mark.parametrize("query", ["verdict=bad", "stat=quarantined", "received_after=soon"])
def test_a_filter_that_is_not_understood_asks_nothing(
    world: World, browser_of: ClientFactory, query: str
) -> None:
    calls(world, 1)
    alice = browser_of(world.people.alice, world.acme)
    assert alice.get(f"/deliveries/replay/?{query}").headers["Location"] == f"/deliveries/?{query}"
    page = text_of(alice.get(f"/deliveries/?{query}"))
    assert "Nothing was started" in page
    assert "/deliveries/replay/" not in page


def test_above_the_bound_the_count_is_honest(
    world: World, browser_of: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "COUNT_LIMIT", 2)
    calls(world, 3)
    page = text_of(browser_of(world.people.alice, world.acme).get("/deliveries/replay/"))
    assert "Apply 2+ deliveries again" in page
    with organization_context(world.acme):
        assert replaying.start(world.acme, selected(world.acme)).total is None


def test_one_whose_body_is_gone_says_so(world: World, browser_of: ClientFactory) -> None:
    calls(world, 1)
    with organization_context(world.acme):
        retention.empty(Delivery.objects.all())
        delivery = Delivery.objects.get()
    alice = browser_of(world.people.alice, world.acme)
    page = text_of(alice.post(f"{delivery.get_absolute_url()}replay/", follow=True))
    assert "Its body was removed on" in page
    assert "cannot be applied again" in page


# --- The command ---------------------------------------------------------------------------------


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("replay_deliveries", "--organization=acme", "--json", *arguments, stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


def test_the_command_counts_without_doing_it(world: World) -> None:
    calls(world, 3)
    assert command("--dry-run", "--event=call_ended") == {"matching": 3}
    with organization_context(world.acme):
        assert not Delivery.objects.filter(attempts=2).exists()


def test_the_command_does_what_the_page_does(world: World) -> None:
    calls(world, 2)
    with organization_context(world.acme):
        forget()
    assert command("--state=quarantined", "--since=2020-01-01") == {
        "state": "done", "applied_again": 2, "applied": 2,
    }  # fmt: skip
    assert call_of(world).duration_ms == 1000
    with organization_context(world.acme):
        entry = Entry.objects.latest("sequence")
    assert entry.sentence.startswith("manage.py replay_deliveries")


def test_the_command_says_by_its_exit_code_that_some_were_left(world: World) -> None:
    receive(world, b"not JSON")
    with pytest.raises(CommandError) as caught:
        command()
    assert caught.value.returncode == 3


@pytest.mark.parametrize(
    "argument", ["--state=bad", "--since=soon", "--organization=nobody", "--call=", "--agent=x"]
)
def test_the_command_refuses_what_it_does_not_understand(world: World, argument: str) -> None:
    with pytest.raises(CommandError) as caught:
        command(argument)
    assert caught.value.returncode == 1
