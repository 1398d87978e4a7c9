"""`signature.verify` against Retell's own: the same verdict, and no exception, whatever comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from retell.lib.webhook_auth import symmetric

from testing.fixtures import World
from testing.retell import body_of, post, sign
from webhooks import signature
from webhooks.signature import TOLERANCE_MS, Refusal, Verdict

KEY = "test-api-key"
NOW = 1_700_000_000_000
VECTOR = "07024cab"
BODY = b'{"event":"call_ended"}'


def verify(
    header: str | None, body: bytes = BODY, keys: Any = (KEY,), now_ms: int = NOW
) -> Verdict:
    return signature.verify(body, header, keys, now_ms=now_ms)


def sdk_says(body: str, key: str, header: str, now_ms: int) -> bool:
    return bool(symmetric["verify"](body, key, header, {"timestamp": now_ms}))


def test_retells_own_vector_verifies() -> None:
    header = f"v={NOW},d={signature.digest(BODY, KEY, str(NOW))}"
    assert header.startswith(f"v={NOW},d={VECTOR}")
    assert header.endswith("1823e")
    assert verify(header) == Verdict(key_index=0, key_id=signature.key_id(KEY))


@given(body=st.text(), key=st.text(min_size=1), age_ms=st.integers(-400_000, 400_000))
@example(body="", key=KEY, age_ms=TOLERANCE_MS)
@example(body="5", key=KEY, age_ms=-TOLERANCE_MS - 1)
def test_it_agrees_with_the_sdk_about_what_the_sdk_signed(body: str, key: str, age_ms: int) -> None:
    header = symmetric["sign"](body, key, NOW)
    verdict = verify(header, body.encode(), (key,), NOW + age_ms)
    assert (verdict.refusal is None) == sdk_says(body, key, header, NOW + age_ms)


@given(
    body=st.text(max_size=20),
    signed=st.text(max_size=20),
    keys=st.tuples(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3)),
    cut=st.integers(0, 82),
    put=st.sampled_from(["", "0", "f", "F", ",", "v", " ", "\n", "é", "\x00"]),
)
def test_it_agrees_with_the_sdk_about_what_was_tampered_with(
    body: str, signed: str, keys: tuple[str, str], cut: int, put: str
) -> None:
    header = sign(signed.encode(), keys[0], NOW)
    header = header[:cut] + put + header[cut + len(put) :]
    verdict = verify(header, body.encode(), (keys[1],))
    assert (verdict.refusal is None) == sdk_says(body, keys[1], header, NOW)


@given(
    body=st.binary(max_size=50),
    header=st.none()
    | st.text(max_size=200)
    | st.from_regex(r"\Av=[0-9]{0,30},d=[0-9a-f]{60,68}\Z"),
    keys=st.lists(st.text(), max_size=3),
    now_ms=st.integers(0, 10**15),
)
def test_nothing_makes_it_raise_and_nothing_forged_passes(
    body: bytes, header: str | None, keys: list[str], now_ms: int
) -> None:
    assert verify(header, body, keys, now_ms).refusal is not None


@pytest.mark.parametrize("age_ms", [TOLERANCE_MS, -TOLERANCE_MS])
def test_five_minutes_either_way_are_tolerated(age_ms: int) -> None:
    assert verify(sign(BODY, KEY, NOW), now_ms=NOW + age_ms).refusal is None


@pytest.mark.parametrize(
    ("age_ms", "refusal"),
    [(TOLERANCE_MS + 1, Refusal.STALE), (-TOLERANCE_MS - 1, Refusal.AHEAD)],
)
def test_a_millisecond_more_is_refused(age_ms: int, refusal: Refusal) -> None:
    assert verify(sign(BODY, KEY, NOW), now_ms=NOW + age_ms).refusal == refusal


DIGEST = signature.digest(BODY, KEY, str(NOW))
ODD_HEADERS = {
    "none": (None, Refusal.NO_HEADER),
    "empty": ("", Refusal.NO_HEADER),
    "4301 digits": (f"v={'1' * 4301},d={DIGEST}", Refusal.MALFORMED_HEADER),
    "21 digits": (f"v={'1' * 21},d={DIGEST}", Refusal.MALFORMED_HEADER),
    "upper case": (f"v={NOW},d={DIGEST.upper()}", Refusal.MALFORMED_HEADER),
    "new line at the end": (f"v={NOW},d={DIGEST}\n", Refusal.MALFORMED_HEADER),
    "space": (f"v={NOW}, d={DIGEST}", Refusal.MALFORMED_HEADER),
    "twice": (f"v={NOW},d={DIGEST},v={NOW},d={DIGEST}", Refusal.MALFORMED_HEADER),
    "much after it": (f"v={NOW},d={DIGEST}{' ' * 5000}", Refusal.MALFORMED_HEADER),
    "other digits": (f"v={'١' * 13},d={DIGEST}", Refusal.MALFORMED_HEADER),
    "surrogates": ("\ud800", Refusal.MALFORMED_HEADER),
    "another scheme": (f"t={NOW},v1={DIGEST}", Refusal.MALFORMED_HEADER),
    "another time": (f"v={NOW + 1},d={DIGEST}", Refusal.WRONG_KEY),
}


@pytest.mark.parametrize(("header", "refusal"), ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_an_odd_header_is_refused_by_name(header: str | None, refusal: Refusal) -> None:
    assert verify(header).refusal == refusal


@pytest.mark.parametrize("keys", [(), ("",), ("", "")])
def test_an_empty_key_accepts_nothing_though_the_sdk_would(keys: tuple[str, ...]) -> None:
    header = sign(BODY, "", NOW)
    assert sdk_says(BODY.decode(), "", header, NOW)
    assert verify(header, keys=keys).refusal == Refusal.NO_KEY


def test_the_previous_key_verifies_and_says_so() -> None:
    assert verify(sign(BODY, "old", NOW), keys=("new", "old")) == Verdict(
        key_index=1, key_id=signature.key_id("old")
    )


def test_bytes_that_are_no_text_verify() -> None:
    assert verify(sign(b"\xff\xfe", KEY, NOW), b"\xff\xfe").refusal is None


def test_a_parsed_and_rewritten_body_does_not_verify() -> None:
    assert verify(sign(BODY, KEY, NOW), b'{"event": "call_ended"}').refusal == Refusal.WRONG_KEY


@pytest.mark.parametrize("header", ["v=1,d=é", "\xff" * 90, "v=²,d=" + "0" * 64])
def test_a_header_outside_of_ascii_is_refused_at_the_door(world: World, header: str) -> None:
    response = post(world, BODY, header=header)
    assert response.status_code == 401


def test_what_the_sdk_signs_now_passes_the_sdk_and_the_door(world: World) -> None:
    body = body_of()
    header = sign(body)
    assert symmetric["verify"](body.decode(), world.endpoints["acme"].keys[0], header)
    assert post(world, body, header=header).status_code == 204
