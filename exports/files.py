"""The bytes of a file, in the organization's own schema: written and read in parts of about 1 MB,
so that memory stays flat, every host has them, and a download may begin anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from exports.models import KEPT, Chunk, Export

CHUNK_BYTES = 1024 * 1024

Scope = Callable[[], AbstractContextManager[None]]


class Superseded(Exception):
    """Another worker has taken this file over, because this one was taken for dead."""


class FileWriter:
    """What writes a file from its beginning, or from where an earlier run got to.

    A file object for libraries that write one: bytes go in, parts go to the database. `beat` is
    called at every part, so that long work shows that it lives; it may raise to stop.
    """

    def __init__(self, export: Export, beat: Callable[[], object] = lambda: None) -> None:
        self.export = export
        self.beat = beat
        self.size_bytes = export.size_bytes
        self.digest = hashlib.sha256()
        self._buffer = bytearray()
        self._run_id = uuid4()
        Export.objects.filter(pk=export.pk).update(run_id=self._run_id)
        for data in stored(export.pk, 0, export.size_bytes):
            self.digest.update(data)

    def append(self, data: bytes, *, lazily: bool = True, **fields: Any) -> None:
        """Store some parts and what the export knows with them, all or nothing.

        A crash of the database may take the last ones with it; then the file goes on before them,
        as after any interruption. `finish` waits until everything is on disk.
        """
        with transaction.atomic():
            if lazily:
                _commit_lazily()
            mine = Export.objects.filter(pk=self.export.pk, run_id=self._run_id)
            if not mine.update(size_bytes=self.size_bytes + len(data), **fields):
                raise Superseded
            Chunk.objects.bulk_create(
                Chunk(export=self.export, start=self.size_bytes + n, data=data[n : n + CHUNK_BYTES])
                for n in range(0, len(data), CHUNK_BYTES)
            )
        self.digest.update(data)
        self.size_bytes += len(data)
        self.beat()

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) >= CHUNK_BYTES:
            self.append(bytes(self._buffer[:CHUNK_BYTES]))
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def flush(self) -> None:
        """Of a file object. Parts are stored when they are full, and at the end."""

    def close(self) -> None:
        """Of a file object: it is `finish` that ends the file."""

    def finish(self, **fields: Any) -> None:
        """The last part, and what the export knows of the whole."""
        data, self._buffer = bytes(self._buffer), bytearray()
        self.digest.update(data)
        sha256 = self.digest.hexdigest()
        self.digest = hashlib.sha256()  # of nothing more
        now = timezone.now()
        times = {"finished_at": now, "expires_at": now + KEPT}
        self.append(data, lazily=False, sha256=sha256, **times, **fields)


def _commit_lazily() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def clear(export: Export) -> None:
    """Begin anew."""
    with transaction.atomic():
        Chunk.objects.filter(export=export).delete()
        export.size_bytes, export.rows, export.position, export.totals = 0, 0, {}, {}
        export.save(update_fields=["size_bytes", "rows", "position", "totals"])


def stored(export_id: UUID, first: int, end: int) -> Iterator[bytes]:
    """The bytes from `first` up to but without `end`, part by part; inside the organization."""
    position = first
    while position < end:
        part = (
            Chunk.objects.filter(export_id=export_id, start__lte=position)
            .order_by("-start")
            .values_list("start", "data")
            .first()
        )
        data = bytes(part[1])[position - part[0] : end - part[0]] if part else b""
        if not data:
            return  # removed meanwhile: the connection ends before the promised length
        yield data
        position += len(data)


def streamed(export_id: UUID, first: int, end: int, scope: Scope) -> Iterator[bytes]:
    """As `stored`, for answers that are sent after the middleware has left the organization."""
    position = first
    while position < end:
        with scope():
            data = next(stored(export_id, position, end), b"")
        if not data:
            return
        yield data
        position += len(data)
