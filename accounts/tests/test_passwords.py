"""Which passwords are good enough, wherever one is set."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import passwords
from accounts.actions import invitations, members
from accounts.models import RecoveryCodes, Role, User
from tenants.models import Organization
from tenants.scope import door, platform
from testing.fixtures import PASSWORD, CanaryClient, World

GOOD = "kettle moon river saddle"
SHORT_BUT_RANDOM = "kT9$vq2L"


def refusal(password: str, user: User | None = None, **where: Any) -> str:
    """The sentence a password is refused with, or nothing."""
    try:
        passwords.validate(password, user, **where)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "123456789012345",
        "passwordpassword",
        "aaaaaaaaaaaaaaa",
        "qwertyuiopasdfgh",
        "1q2w3e4r5t6y7u8i",
        "P@ssw0rdP@ssw0rd",
        "iloveyousomuch1",
        "november november 2026",
        "Manchesterunited",
        "switchboard switchboard",
        "               ",
    ],
)
def test_a_guessable_password_is_refused_and_told_what_to_do(world: World, password: str) -> None:
    assert "Choose a few words" in refusal(password)


@pytest.mark.parametrize(
    "password", [GOOD, PASSWORD, "Ein Satz mit Umlauten: Öl äße", "電" * 2 + GOOD]
)
def test_unrelated_words_are_accepted_whatever_their_characters(
    world: World, password: str
) -> None:
    assert refusal(password) == ""


def test_fourteen_characters_are_too_few_and_fifteen_are_enough(world: World) -> None:
    assert "shorter than 15" in refusal("kettle moon ri")
    assert refusal("kettle moon riv") == ""


def test_128_characters_are_accepted_and_129_are_not(world: World) -> None:
    long = (GOOD + " ") * 6
    assert refusal(long[:128]) == ""
    assert "longer than 128" in refusal(long[:129])


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\n", "\x7f"])
def test_what_cannot_be_typed_is_refused(world: World, odd: str) -> None:
    assert "cannot be typed" in refusal(GOOD + odd)


@pytest.mark.parametrize(
    "password",
    [
        "dora.wintergreen@example.com",
        "Wintergreen1234",
        "wintergreen bayview",
        "Bayview Dental Switchboard 1",
    ],
)
def test_what_is_known_of_a_person_counts_for_nothing(password: str) -> None:
    bayview = Organization(name="Bayview Dental")
    dora = User(email="dora.wintergreen@example.com", name="Dora Wintergreen")
    assert refusal(password, dora, organization=bayview) in (passwords.KNOWN, passwords.GUESSABLE)
    assert refusal(password + GOOD, dora, organization=bayview) == ""


def test_a_password_is_told_to_be_known_when_strangers_could_not_guess_it(world: World) -> None:
    dora = User(email="dora@example.com", name="Theodora Wintergreen")
    assert refusal("theodora.wintergreen") == ""
    assert refusal("theodora.wintergreen", dora) == passwords.KNOWN


def test_the_organizations_of_a_person_are_known(world: World) -> None:
    with platform():
        Organization.objects.filter(pk=world.acme.pk).update(name="Wintergreen Lighthouse")
    assert refusal("wintergreen lighthouse", world.people.alice) == passwords.KNOWN
    assert refusal("wintergreen lighthouse", world.people.charlie) == ""


# --- With a second factor ------------------------------------------------------------------------


def test_eight_characters_are_enough_with_a_second_factor(world: World) -> None:
    assert "shorter than 15" in refusal(SHORT_BUT_RANDOM, world.people.bob)
    with door():
        TOTPDevice.objects.create(user=world.people.bob, confirmed=True)
    assert refusal(SHORT_BUT_RANDOM, world.people.bob) == ""
    assert "shorter than 8" in refusal(SHORT_BUT_RANDOM[:7], world.people.bob)


@pytest.mark.parametrize("password", ["mustang9", "hunter22", "Passw0rd", "ncc1701d"])
def test_a_short_password_is_not_guessable_either(world: World, password: str) -> None:
    assert refusal(password, world.people.sam) in (passwords.COMMON, passwords.GUESSABLE)


def test_a_factor_that_was_not_confirmed_is_none(world: World) -> None:
    with door():
        TOTPDevice.objects.create(user=world.people.bob, confirmed=False)
        RecoveryCodes.objects.create(user=world.people.bob, confirmed=True)
    assert "shorter than 15" in refusal(SHORT_BUT_RANDOM, world.people.bob)


# --- Everywhere ----------------------------------------------------------------------------------


def test_django_asks_the_same(world: World) -> None:
    with pytest.raises(ValidationError, match="Choose a few words"):
        validate_password("passwordpassword", world.people.bob)


def test_an_invitation_asks_the_same(world: World) -> None:
    invitation = invitations.invite(
        world.acme, email="d@example.com", role=Role.VIEWER, invited_by=""
    )
    client = CanaryClient(world.acme.host)
    path = invitation.link.removeprefix(world.acme.base_url)
    response = client.post(path, {"name": "Dora", "password": "passwordpassword"})
    assert "Choose a few words" in response.content.decode()


def test_a_scripted_member_is_asked_the_same(world: World) -> None:
    with pytest.raises(ValidationError, match="Choose a few words"):
        members.add_member(
            world.acme, email="d@example.com", role=Role.VIEWER, password="passwordpassword"
        )


def test_no_password_takes_long_to_judge(world: World) -> None:
    slow = "4@8({[</369&#!1/|0$5+7%2" * 6
    started = time.perf_counter()
    passwords.validate(slow[:128], world.people.bob)
    assert time.perf_counter() - started < 2
