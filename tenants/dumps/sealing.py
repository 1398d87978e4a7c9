"""The encrypted stream a dump is kept as; constant memory, whatever its size.

    MAGIC · length of the label (4 bytes) · label (JSON) · frames

A frame is its length (4 bytes, the highest bit marks the last one) and AES-256-GCM's ciphertext.
The key of a file is derived from `BACKUP_KEY`, a salt and the label (HKDF), so a label that was
changed or belongs to another file opens nothing. The nonce is the number of the frame, and whether
it is the last is associated data: frames that are missing, repeated, swapped or changed are found,
as is an end that was cut off.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tenants.exceptions import DumpError

MAGIC = b"switchboard-dump-1\n"
FRAME_BYTES = 1024 * 1024
TAG_BYTES = 16
_LENGTH_BYTES = 4
_LAST = 1 << 31
_LONGEST_LABEL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of itself in the clear, and its key is bound to.

    `kind`: whose mechanism made it; `database`: which one it is of; `subject`: the organization it
    is of, or "". `key`: tells keys apart, without telling anything of them.
    """

    kind: str
    dump_id: str
    database: str
    subject: str
    made_at: str
    salt: str = ""
    key: str = ""


def _derived(info: bytes, salt: bytes | None, length: int = 32) -> bytes:
    if not settings.BACKUP_KEY:
        raise DumpError("BACKUP_KEY is not set, so no dump can be encrypted or read.")
    key = base64.b64decode(settings.BACKUP_KEY)
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def key_name() -> str:
    """Tells `BACKUP_KEY` from another one."""
    return _derived(b"name of the key", None, length=8).hex()


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _associated(*, is_last: bool) -> bytes:
    return b"last" if is_last else b"more"


def seal(label: Label, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed stream of `chunks`, as pieces of at most a frame. Raises what `chunks` raises,
    before the last frame: what was written by then can never be taken for whole."""
    salt = os.urandom(32)
    whole = Label(**{**asdict(label), "salt": salt.hex(), "key": key_name()})
    head = json.dumps(asdict(whole)).encode()
    cipher = AESGCM(_derived(head, salt))
    yield MAGIC + len(head).to_bytes(_LENGTH_BYTES, "big") + head
    for number, (plain, is_last) in enumerate(_frames(chunks)):
        sealed = cipher.encrypt(_nonce(number), plain, _associated(is_last=is_last))
        yield (len(sealed) | (_LAST if is_last else 0)).to_bytes(_LENGTH_BYTES, "big") + sealed


def _frames(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The chunks in pieces of one size, the last one marked; at least one, possibly empty."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        while len(rest) > FRAME_BYTES:
            yield bytes(rest[:FRAME_BYTES]), False
            del rest[:FRAME_BYTES]
    yield bytes(rest), True


def read_label(file: BinaryIO) -> Label:
    """The label alone, which nothing proves yet. Raises `DumpError` when there is none."""
    return _read_head(file)[0]


def _read_head(file: BinaryIO) -> tuple[Label, bytes]:
    start = file.read(len(MAGIC))
    if not start:
        raise DumpError("The file is empty.")
    length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
    if start != MAGIC or length > _LONGEST_LABEL:
        raise DumpError("The file is no dump of Switchboard, or its beginning was changed.")
    head = file.read(length)
    try:
        return Label(**json.loads(head)), head
    except (ValueError, TypeError) as error:
        raise DumpError("The file was cut off, or its beginning was changed.") from error


def unseal(file: BinaryIO) -> tuple[Label, Iterator[bytes]]:
    """The label and the plain chunks. Raises `DumpError`, the iterator too: only when it came to
    its end is the file what was written."""
    label, head = _read_head(file)
    if label.key != key_name():
        raise DumpError("The file was encrypted with another BACKUP_KEY than the one that is set.")
    try:
        salt = binascii.unhexlify(label.salt)
    except (ValueError, TypeError) as error:
        raise DumpError("The beginning of the file was changed.") from error
    return label, _plain_frames(file, AESGCM(_derived(head, salt)))


def _plain_frames(file: BinaryIO, cipher: AESGCM) -> Iterator[bytes]:
    number, is_last = 0, False
    while not is_last:
        mark = int.from_bytes(_exactly(file, _LENGTH_BYTES), "big")
        is_last, length = bool(mark & _LAST), mark & ~_LAST
        if not TAG_BYTES <= length <= FRAME_BYTES + TAG_BYTES:
            raise DumpError(f"The file was changed: part {number + 1} has no possible length.")
        sealed = _exactly(file, length)
        try:
            yield cipher.decrypt(_nonce(number), sealed, _associated(is_last=is_last))
        except InvalidTag as error:
            raise DumpError(
                f"The file was changed: part {number + 1} is not what was written there."
            ) from error
        number += 1
    if file.read(1):
        raise DumpError("The file was changed: something was appended to it.")


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    while len(data) < length and (more := file.read(length - len(data))):
        data += more
    if len(data) < length:
        raise DumpError("The file was cut off: its end is missing.")
    return data
