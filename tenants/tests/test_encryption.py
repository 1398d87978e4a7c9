"""Secrets decrypt in the organization and field they were encrypted for, and nowhere else."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tenants.encryption import DecryptionError, decrypt, encrypt

ACME, GLOBEX = UUID(int=1), UUID(int=2)
OLD, NEW = (base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))


def sealed(text: str = "secret") -> bytes:
    return encrypt(text, organization_id=ACME, field="retell_api_key")


def opened(stored: bytes, organization_id: UUID = ACME, field: str = "retell_api_key") -> str:
    return decrypt(stored, organization_id=organization_id, field=field)


def test_a_secret_is_read_back() -> None:
    assert opened(sealed()) == "secret"


def test_the_same_secret_is_never_encrypted_alike() -> None:
    assert sealed() != sealed()


def test_another_organization_cannot_read_it() -> None:
    with pytest.raises(DecryptionError):
        opened(sealed(), organization_id=GLOBEX)


def test_another_field_cannot_read_it() -> None:
    with pytest.raises(DecryptionError):
        opened(sealed(), field="webhook_token")


@pytest.mark.parametrize("place", range(len(sealed())))
def test_a_flipped_byte_is_found(place: int) -> None:
    changed = bytearray(sealed())
    changed[place] ^= 1
    with pytest.raises(DecryptionError):
        opened(bytes(changed))


@pytest.mark.parametrize("length", range(len(sealed())))
def test_a_cut_secret_is_found(length: int) -> None:
    with pytest.raises(DecryptionError):
        opened(sealed()[:length])


def test_a_memoryview_as_the_driver_gives_it_is_read() -> None:
    assert opened(memoryview(sealed())) == "secret"  # type: ignore[arg-type]


def test_a_key_version_outside_the_ring_is_said() -> None:
    with pytest.raises(DecryptionError, match="No key of the ring"):
        opened(b"\x63" + sealed()[1:])


def test_an_error_does_not_hold_the_secret() -> None:
    with pytest.raises(DecryptionError) as refused:
        opened(sealed("hunter2"), organization_id=GLOBEX)
    assert "hunter2" not in str(refused.value)


# --- The ring ------------------------------------------------------------------------------------


def test_a_rotated_ring_reads_the_old_and_writes_the_new(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = f"1:{OLD}"
    old = sealed()
    settings.ENCRYPTION_KEYS = f"2:{NEW},1:{OLD}"
    assert opened(old) == "secret"
    assert sealed()[0] == 2


def test_a_key_that_left_the_ring_reads_nothing_more(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = f"1:{OLD}"
    old = sealed()
    settings.ENCRYPTION_KEYS = f"2:{NEW}"
    with pytest.raises(DecryptionError):
        opened(old)


def test_another_key_of_the_same_version_reads_nothing(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = f"1:{OLD}"
    old = sealed()
    settings.ENCRYPTION_KEYS = f"1:{NEW}"
    with pytest.raises(DecryptionError):
        opened(old)


@pytest.mark.parametrize(
    "ring",
    ["", OLD, f"x:{OLD}", f"0:{OLD}", f"256:{OLD}", "1:", "1:c2hvcnQ=", "1:???", f"1:{OLD},",
     f"1:{OLD},1:{NEW}"],
)  # fmt: skip
def test_a_nonsensical_ring_is_refused(settings: Any, ring: str) -> None:
    settings.ENCRYPTION_KEYS = ring
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS must look like"):
        sealed()


# --- Any text, any bytes -------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=500))
def test_any_text_is_read_back(text: str) -> None:
    assert opened(sealed(text)) == text


@given(st.binary(max_size=100))
def test_no_bytes_but_ours_are_read(stored: bytes) -> None:
    with pytest.raises(DecryptionError):
        opened(stored)
