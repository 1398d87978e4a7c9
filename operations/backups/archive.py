"""A backup's file: its manifest, then `pg_dump`'s output, sealed together under one label."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

from operations.backups import storage
from operations.backups.exceptions import BackupError
from operations.backups.manifest import Manifest
from tenants.dumps import sealing
from tenants.dumps.sealing import Label

KIND = "backup"
_LENGTH_BYTES = 8
_LONGEST_MANIFEST = 512 * 1024 * 1024

Opener = Callable[[], AbstractContextManager[BinaryIO]]


def seal(label: Label, manifest: Manifest, dump: Iterator[bytes]) -> Iterator[bytes]:
    text = manifest.as_json()
    head = len(text).to_bytes(_LENGTH_BYTES, "big") + text
    return sealing.seal(label, itertools.chain([head], dump))


@dataclass(frozen=True, slots=True)
class Archive:
    """A stored backup, by the name it must have. Read as often as needed, from its beginning."""

    name: str
    open: Opener

    @classmethod
    def stored(cls, name: str) -> Archive:
        return cls(name, lambda: storage.get(name))

    @contextmanager
    def fetched(self) -> Iterator[Archive]:
        """The same, fetched from its storage once for all that is read within the block, one after
        the other."""
        with self.open() as file:

            def again() -> AbstractContextManager[BinaryIO]:
                file.seek(0)
                return nullcontext(file)

            yield Archive(self.name, again)

    def label(self) -> Label:
        """What it says of itself; raises `BackupError` for a file under another one's name."""
        with self.open() as file:
            return self._checked(sealing.read_label(file))

    def manifest(self) -> Manifest:
        with self.open() as file:
            _, chunks = self._unsealed(file)
            return _split(chunks)[0]

    def dump(self) -> Iterator[bytes]:
        """What `pg_dump` wrote. Only at its end is it known that nothing of the file changed."""
        with self.open() as file:
            _, chunks = self._unsealed(file)
            yield from _split(chunks)[1]

    def check(self) -> int:
        """Read it to its end; the size of the dump in bytes. Raises `DumpError` when anything of
        it is missing or was changed."""
        return sum(len(chunk) for chunk in self.dump())

    def _unsealed(self, file: BinaryIO) -> tuple[Label, Iterator[bytes]]:
        label, chunks = sealing.unseal(file)
        return self._checked(label), chunks

    def _checked(self, label: Label) -> Label:
        if label.kind != KIND:
            raise BackupError(f"{self.name} is no backup but a dump of a {label.kind}.")
        if label.dump_id + storage.SUFFIX != self.name:
            raise BackupError(
                f"{self.name} is not the backup of this name but"
                f" {label.dump_id}{storage.SUFFIX}, renamed."
            )
        return label


def _split(chunks: Iterator[bytes]) -> tuple[Manifest, Iterator[bytes]]:
    start = bytearray()
    length = _LONGEST_MANIFEST
    while len(start) < _LENGTH_BYTES + length:
        start += next(chunks, b"") or _ended()
        if len(start) >= _LENGTH_BYTES:
            length = int.from_bytes(start[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + length
    manifest = Manifest.from_json(bytes(start[_LENGTH_BYTES:end]))
    return manifest, itertools.chain([bytes(start[end:])], chunks)


def _ended() -> bytes:
    raise BackupError("The backup holds no manifest.")
