"""The encrypted stream of dumps: what comes out is what went in, or an error."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.dumps import sealing
from tenants.dumps.sealing import FRAME_BYTES, Label, read_label, seal, unseal
from tenants.exceptions import DumpError

LABEL = Label("test", "one", "database", "", "2026-01-01T00:00:00+00:00")


def sealed(*chunks: bytes, label: Label = LABEL) -> bytes:
    return b"".join(seal(label, chunks))


def opened(content: bytes) -> bytes:
    _, chunks = unseal(io.BytesIO(content))
    return b"".join(chunks)


def frames(content: bytes) -> tuple[bytes, list[bytes]]:
    """The head, and the frames with their lengths."""
    file = io.BytesIO(content)
    read_label(file)
    at, found = file.tell(), []
    head = content[:at]
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big") & 0x7FFFFFFF
        found.append(content[at : at + 4 + length])
        at += 4 + length
    return head, found


@pytest.fixture
def small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "FRAME_BYTES", 8)


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_what_comes_out_is_what_went_in(chunks: list[bytes]) -> None:
    assert opened(sealed(*chunks)) == b"".join(chunks)


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1])
def test_every_size_around_a_frame_comes_out(size: int) -> None:
    assert opened(sealed(b"x" * size)) == b"x" * size


@given(st.data())
def test_one_flipped_bit_is_found_wherever_it_is(data: st.DataObject) -> None:
    content = bytearray(sealed(b"some rows"))
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    content[at // 8] ^= 1 << at % 8
    with pytest.raises(DumpError):
        opened(bytes(content))


@given(st.data())
def test_a_file_that_was_cut_off_is_found_wherever_it_was(data: st.DataObject) -> None:
    content = sealed(b"some rows")
    with pytest.raises(DumpError):
        opened(content[: data.draw(st.integers(0, len(content) - 1))])


@pytest.mark.usefixtures("small_frames")
@pytest.mark.parametrize(
    "order", [[1, 0, 2], [0, 2], [0, 0, 1, 2], [0, 1], [1, 2], [0, 1, 2, 2], [2]]
)
def test_frames_that_were_swapped_repeated_or_left_out_are_found(order: list[int]) -> None:
    head, parts = frames(sealed(b"a" * 8, b"b" * 8, b"c" * 4))
    assert len(parts) == 3
    with pytest.raises(DumpError):
        opened(head + b"".join(parts[at] for at in order))


@pytest.mark.usefixtures("small_frames")
def test_frames_of_another_file_are_found() -> None:
    head, one = frames(sealed(b"a" * 8, b"b"))
    _, other = frames(sealed(b"a" * 8, b"b"))
    with pytest.raises(DumpError, match="part 2"):
        opened(head + one[0] + other[1])


def test_what_was_appended_is_found() -> None:
    with pytest.raises(DumpError, match="appended"):
        opened(sealed(b"rows") + b"more")


def test_a_label_of_another_file_opens_nothing() -> None:
    head, _ = frames(sealed(b"rows"))
    _, parts = frames(sealed(b"rows", label=Label("test", "two", "database", "", "")))
    with pytest.raises(DumpError, match="part 1"):
        opened(head + parts[0])


def test_another_key_is_named_as_the_reason(settings: Any) -> None:
    content = sealed(b"rows")
    settings.BACKUP_KEY = base64.b64encode(b"k" * 32).decode()
    with pytest.raises(DumpError, match="another BACKUP_KEY"):
        opened(content)


def test_an_empty_file_is_named_as_one() -> None:
    with pytest.raises(DumpError, match="empty"):
        opened(b"")


def test_a_source_that_fails_leaves_no_last_frame() -> None:
    def failing() -> Iterator[bytes]:
        yield b"rows"
        raise DumpError("pg_dump failed")

    written = bytearray()

    def write() -> None:
        for piece in seal(LABEL, failing()):
            written.extend(piece)

    with pytest.raises(DumpError, match="pg_dump failed"):
        write()
    with pytest.raises(DumpError, match="cut off"):
        opened(bytes(written))


def test_nothing_is_sealed_in_the_clear() -> None:
    assert b"canary" not in sealed(b"canary" * 100)
