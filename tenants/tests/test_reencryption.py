"""Exchanging the keys of the ring while everything goes on being readable."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agents.connection import keys
from agents.connection.actions import api_key, signing_key, webhook_url
from agents.models import RetellConnection
from audit.models import Entry
from tenants import encryption, reencryption
from tenants.models import Organization, WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing.fixtures import KEYS, World
from testing.retell import body_of, post, sign, undone


def ring(*versions: int) -> str:
    """A ring of these keys, newest first."""
    return ",".join(f"{v}:{base64.b64encode(bytes([v - 1]) * 32).decode()}" for v in versions)


def run(**options: Any) -> dict[str, Any]:
    output = io.StringIO()
    call_command("rotate_encryption_keys", json=True, stdout=output, **options)
    return json.loads(output.getvalue())  # type: ignore[no-any-return]


def fill(world: World) -> None:
    """Every column that holds a secret holds one, in both organizations."""
    for organization in (world.acme, world.globex):
        with organization_context(organization):
            signing_key.set_signing_key(organization.pk, f"key_new_{organization.slug}")
            api_key.store_unchecked(organization.pk, f"key_api_{organization.slug}")
        webhook_url.rotate(organization)


def versions(world: World) -> set[int]:
    """Of all ciphertexts there are."""
    with platform():
        found = {bytes(e.token_encrypted)[0] for e in WebhookEndpoint.objects.all()}
    for organization in (world.acme, world.globex):
        with organization_context(organization):
            row = RetellConnection.objects.get()
        sealed = (getattr(row, name) for name in RetellConnection.SEALED)
        found |= {bytes(value)[0] for value in sealed if value is not None}
    return found


def secrets(organization: Organization) -> tuple[list[str], str, list[str]]:
    """Everything of an organization in plain; raises when any of it cannot be read."""
    with organization_context(organization):
        signing, unreadable = keys.signing_keys(organization.pk)
        assert unreadable == 0
        stored = keys.stored_api_key(keys.connection(), organization.pk)
    with platform():
        endpoints = WebhookEndpoint.objects.filter(organization=organization).order_by("pk")
        return signing, stored, [endpoint.token for endpoint in endpoints]


def test_every_column_of_ciphertexts_is_known() -> None:
    """One that a model forgot to name would be unreadable when the old key leaves the ring."""
    named = {column.label for column in reencryption.columns()}
    there = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, models.BinaryField) and field.name.endswith("_encrypted")
    }
    assert named == there


def test_everything_is_encrypted_again_and_the_old_key_may_go(world: World, settings: Any) -> None:
    fill(world)
    before = [secrets(organization) for organization in (world.acme, world.globex)]
    settings.ENCRYPTION_KEYS = ring(2, 1)
    report = run()
    assert (report["values"], report["unreadable"], versions(world)) == (10, 0, {2})
    settings.ENCRYPTION_KEYS = ring(2)
    assert [secrets(organization) for organization in (world.acme, world.globex)] == before
    assert post(world, body_of(), header=sign(body_of(), KEYS["acme"])).status_code == 204


def test_each_organization_is_reported(world: World, settings: Any) -> None:
    fill(world)
    settings.ENCRYPTION_KEYS = ring(2, 1)
    found = {row["slug"]: row["columns"] for row in run()["organizations"]}
    assert found["acme"] == {
        "agents.retellconnection.api_key_encrypted": 1,
        "agents.retellconnection.key_encrypted": 1,
        "agents.retellconnection.previous_key_encrypted": 1,
        "tenants.webhookendpoint.token_encrypted": 2,
    }
    assert found["globex"] == found["acme"]


def test_a_second_run_finds_nothing_to_do(world: World, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ring(2, 1)
    assert run()["values"] > 0
    assert run()["values"] == 0


def test_checking_counts_and_changes_nothing(world: World, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ring(2, 1)
    assert run(check=True)["values"] == 4
    assert versions(world) == {1}


def test_a_run_is_written_down_without_any_secret(world: World, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ring(2, 1)
    run()
    with platform():
        entry = Entry.objects.filter(organization_id=None).order_by("-sequence")[0]
    assert entry.code == "operations.encryption_keys_rotated"
    assert entry.additional_data == {"values": 4, "version": 2}


@pytest.mark.parametrize("remaining", [(3, 2), (3,)])
def test_what_cannot_be_decrypted_is_named_and_kept(
    world: World, settings: Any, remaining: tuple[int, ...]
) -> None:
    with organization_context(world.acme):
        sealed = bytes(RetellConnection.objects.get().key_encrypted or b"")
    settings.ENCRYPTION_KEYS = ring(*remaining)
    output = io.StringIO()
    with pytest.raises(CommandError, match="cannot be decrypted"):
        call_command("rotate_encryption_keys", stderr=output, stdout=io.StringIO())
    assert "acme: agents.retellconnection.key_encrypted 1 (key 1)" in output.getvalue()
    with organization_context(world.acme):
        assert bytes(RetellConnection.objects.get().key_encrypted or b"") == sealed


def test_a_damaged_value_of_the_newest_key_is_found_too(world: World) -> None:
    with organization_context(world.acme):
        sealed = bytes(RetellConnection.objects.get().key_encrypted or b"")
        RetellConnection.objects.update(key_encrypted=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(CommandError):
        run(check=True)


def test_one_unreadable_value_does_not_stop_the_others(world: World, settings: Any) -> None:
    with organization_context(world.acme):
        RetellConnection.objects.update(key_encrypted=b"\x09 nobody has this key")
    settings.ENCRYPTION_KEYS = ring(2, 1)
    with pytest.raises(CommandError):
        run()
    with platform():
        assert {bytes(e.token_encrypted)[0] for e in WebhookEndpoint.objects.all()} == {2}


# --- Broken off, repeated, with changes in between -----------------------------------------------


class _Crash(Exception):
    pass


def _crash_after(values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run break off after so many values, in the middle of a batch."""
    left = [values]
    real = encryption.encrypt

    def encrypt(plaintext: str, **place: Any) -> bytes:
        if left[0] == 0:
            raise _Crash
        left[0] -= 1
        return real(plaintext, **place)

    monkeypatch.setattr(encryption, "encrypt", encrypt)


steps = st.lists(
    st.one_of(
        st.just(("new key of the ring",)),
        st.just(("oldest key leaves, if checked",)),
        st.tuples(st.just("run"), st.integers(0, 12)),
        st.tuples(st.just("exchange"), st.sampled_from(["acme", "globex"])),
        st.tuples(st.just("new url"), st.sampled_from(["acme", "globex"])),
    ),
    max_size=10,
)


@hypothesis_settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_whatever_happens_in_between_every_value_stays_readable(
    world: World, settings: Any, steps: list[tuple[Any, ...]]
) -> None:
    """Keys come and go, runs break off anywhere, secrets are exchanged: all stays readable, and
    what a finished check says may go really may."""
    with undone():
        settings.ENCRYPTION_KEYS, in_ring = ring(1), [1]
        fill(world)
        known = {o.slug: secrets(o) for o in (world.acme, world.globex)}
        for number, step in enumerate(steps):
            with pytest.MonkeyPatch.context() as monkeypatch:
                _take(step, number, world, in_ring, monkeypatch)
            settings.ENCRYPTION_KEYS = ring(*in_ring)
            for organization in (world.acme, world.globex):
                signing, stored, tokens = secrets(organization)
                if step[0] in ("exchange", "new url"):
                    known[organization.slug] = (signing, stored, tokens)
                assert (signing, stored, tokens) == known[organization.slug]


def _take(
    step: tuple[Any, ...],
    number: int,
    world: World,
    in_ring: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if step[0] == "new key of the ring":
        in_ring.insert(0, max(in_ring) + 1)
    elif step[0] == "oldest key leaves, if checked":
        if run(check=True)["values"] == 0:
            del in_ring[1:]
    elif step[0] == "run":
        _crash_after(step[1], monkeypatch)
        with contextlib.suppress(_Crash):
            run()
    elif step[0] == "exchange":
        organization = getattr(world, step[1])
        with organization_context(organization):
            signing_key.set_signing_key(organization.pk, f"key_{number}")
    else:
        webhook_url.rotate(getattr(world, step[1]))
