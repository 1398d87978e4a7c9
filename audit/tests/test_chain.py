"""Whatever is appended verifies; whatever is changed afterwards is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.actions import record
from audit.chain import End, digest
from audit.circumstances import Actor, circumstances
from audit.models import Entry, Head
from audit.tests.chains import DONE, append, entries, found, nobody, remove, restored, texts
from audit.verification import Verification
from tenants.models import Organization
from tenants.scope import platform
from testing.fixtures import World
from testing.organizations import owner_rows

LENGTH = 7
places = st.integers(1, LENGTH)
# Fixtures hold for all examples; each example makes a chain of its own or restores it.
often = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
any_text = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["\x00", "\ud800", "{object}", "{", "é" * 10_000, "\u2028", "'; DROP TABLE audit_entry"]
)
any_changes = st.none() | st.dictionaries(
    any_text, st.lists(any_text, min_size=2, max_size=2), max_size=3
)
any_details = st.none() | st.dictionaries(
    any_text, any_text | st.integers() | st.booleans(), max_size=3
)


@given(st.lists(st.tuples(any_text, any_changes, any_details, any_text), max_size=6))
@often
def test_any_sequence_of_records_verifies(world: World, said: list[Any]) -> None:
    owner = nobody()
    for subject, changes, details, reason in said:
        with platform(), circumstances(actor=Actor(reason), address=subject, acting_as=reason):
            record(
                DONE, subject, changes=changes, details=details, reason=reason, organization=owner
            )
    assert texts(owner) == []
    assert [entry.sequence for entry in entries(owner)] == list(range(1, len(said) + 1))


@pytest.fixture(scope="module")
def chain(django_db_setup: World, django_db_blocker: Any) -> Iterator[Organization]:
    """A committed chain of LENGTH entries; each test puts it back."""
    owner = nobody()
    with django_db_blocker.unblock():
        append(owner, LENGTH)
        yield owner
        remove(owner)


def stored(owner: Organization, sequence: int) -> Any:
    """One entry, as the database's owner may change it."""
    return Entry.objects.using("owner").filter(organization_id=owner.pk, sequence=sequence)


def other(value: Any) -> Any:
    """A value of the same type that is not this one."""
    if isinstance(value, UUID) or value is None:
        return uuid4()
    if isinstance(value, bytes | memoryview):
        return bytes(31) + bytes([bytes(value)[-1] ^ 1])
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    return value + timedelta(microseconds=1)


COLUMNS = [field.name for field in Entry._meta.concrete_fields if field.name != "sequence"]
JSON = {"changes": {"name": ["a", "b"]}, "additional_data": {"role": "Admin"}}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("place", [1, 4, LENGTH])
def test_a_change_of_any_column_is_found_and_named(
    committed: World, chain: Organization, column: str, place: int
) -> None:
    with restored(chain) as kept:
        value = JSON.get(column) or other(getattr(kept[place - 1], column))
        assert stored(chain, place).update(**{column: value}) == 1
        breaks = found(chain)
    assert [b.sequence for b in breaks] == [place]
    assert f"Entry {place} " in breaks[0].text


@given(places, st.integers(1, 10**9))
@often
def test_a_moved_entry_is_found_and_named(
    committed: World, chain: Organization, place: int, to: int
) -> None:
    to += LENGTH
    with restored(chain):
        stored(chain, place).update(sequence=to)
        said = texts(chain)
    assert any(f"{place}" in text and "missing" in text for text in said)
    assert any(text.startswith(f"Entry {to} ") for text in said)


@given(places)
@often
def test_a_removed_entry_is_found_and_named(
    committed: World, chain: Organization, place: int
) -> None:
    with restored(chain):
        stored(chain, place).delete()
        said = texts(chain)
    assert said == [f"Entry {place} is missing: it was removed."]


@given(places, places)
@often
def test_entries_that_changed_places_are_both_named(
    committed: World, chain: Organization, first: int, second: int
) -> None:
    with restored(chain):
        for before, after in ((first, 99), (second, first), (99, second)):
            stored(chain, before).update(sequence=after)
        said = texts(chain)
    if first == second:
        assert said == []
    else:
        assert [f"from place {place}." in " ".join(said) for place in (first, second)] == [True] * 2


@given(places)
@often
def test_an_entry_written_anew_with_a_fitting_hash_is_named(
    committed: World, chain: Organization, place: int
) -> None:
    with restored(chain):
        entry = stored(chain, place).get()
        entry.actor_label = "Somebody else"
        stored(chain, place).update(actor_label=entry.actor_label, hash=digest(entry))
        breaks = found(chain)
    assert [b.sequence for b in breaks] == [place]
    assert "Somebody else did something" in breaks[0].text


def rewrite(owner: Organization, first: int) -> None:
    """As one who owns the database would: everything from there on, and the head."""
    before = stored(owner, first - 1).get().hash if first > 1 else bytes(32)
    for sequence in range(first, LENGTH + 1):
        entry = stored(owner, sequence).get()
        entry.reason, entry.previous_hash = "another", before
        entry.hash = before = digest(entry)
        entry.save(using="owner")
    Head.objects.using("owner").filter(pk=str(owner.pk)).update(hash=before)


@given(places)
@often
def test_a_chain_written_anew_as_a_whole_is_found_by_its_anchor(
    committed: World, chain: Organization, place: int
) -> None:
    with restored(chain) as kept:
        anchor = End(LENGTH, bytes(kept[-1].hash), "2026-11-01")
        rewrite(chain, place)
        without, breaks = texts(chain), texts(chain, anchor)
    assert without == []
    assert len(breaks) == 1
    assert "is not the one noted on 2026-11-01: the chain was written anew." in breaks[0]


def test_a_chain_that_was_made_anothers_is_found(committed: World, chain: Organization) -> None:
    """Whole and with its head: each entry says whose it is."""
    other_owner = nobody()
    with restored(chain):
        Entry.objects.using("owner").of_chain(chain.pk).update(organization_id=other_owner.pk)
        head = Head.objects.using("owner").filter(pk=str(chain.pk))
        head.update(chain=str(other_owner.pk))
        assert len(texts(other_owner)) == LENGTH
        remove(other_owner)


def test_a_chain_cut_off_with_its_head_is_found_by_its_anchor(
    committed: World, chain: Organization
) -> None:
    with restored(chain) as kept:
        anchor = End(LENGTH, bytes(kept[-1].hash), "2026-11-01")
        stored(chain, LENGTH).delete()
        before = kept[-2]
        head = Head.objects.using("owner").filter(pk=str(chain.pk))
        head.update(sequence=LENGTH - 1, hash=before.hash)
        said = texts(chain, anchor)
    assert len(said) == 1
    assert f"was there on 2026-11-01, and the chain ends with entry {LENGTH - 1} now" in said[0]


def test_a_chain_that_lost_all_its_entries_is_found(committed: World, chain: Organization) -> None:
    with restored(chain):
        Entry.objects.using("owner").of_chain(chain.pk).delete()
        assert texts(chain) == [f"Entries 1 to {LENGTH} are missing: they were removed."]


def test_a_chain_that_lost_its_head_is_found(committed: World, chain: Organization) -> None:
    with restored(chain):
        Head.objects.using("owner").filter(pk=str(chain.pk)).delete()
        assert texts(chain) == [
            f"Entries 1 to {LENGTH} were added past the newest one that is noted."
        ]


ODD = ["[1]", '"text"', '{"a": 1}', '{"a": ["b"]}', f"1{'0' * 5000}"]


@pytest.mark.parametrize("text", ODD, ids=["list", "text", "number in it", "half a pair", "huge"])
def test_what_no_version_wrote_is_found_and_breaks_nothing(
    committed: World, chain: Organization, text: str
) -> None:
    with restored(chain):
        owner_rows(
            "UPDATE audit_entry SET changes = %s::jsonb, additional_data = %s::jsonb"
            " WHERE organization_id = %s AND sequence = 3",
            [text, text, chain.pk],
        )
        assert [b.sequence for b in found(chain)] == [3]


def test_entries_appended_while_it_is_read_break_nothing(
    committed: World, chain: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_now = Verification._stored

    def with_one_more(verification: Verification) -> Iterator[Entry]:
        for entry in stored_now(verification):
            append(chain)
            yield entry

    monkeypatch.setattr(Verification, "_stored", with_one_more)
    with restored(chain):
        assert texts(chain) == []
        assert len(entries(chain)) == 2 * LENGTH
