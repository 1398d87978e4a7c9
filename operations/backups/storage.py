"""Where backups are kept: a folder, or a bucket. A file is there whole, or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from operations.backups.exceptions import BackupError

SUFFIX = ".backup"
PART = ".part"
STORAGE_ERRORS = (OSError, Boto3Error, BotoCoreError, ClientError)
# An upload has at most 10,000 parts: 320 GB of them.
_PART_BYTES = 32 * 1024 * 1024
# What is downloaded goes to a temporary file above this; it is encrypted.
_IN_MEMORY_BYTES = 1024 * 1024


class Stream(RawIOBase):
    """Chunks as a file that can be read once, which storages take."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """As many bytes as asked for, fewer only at the end: parts of an upload have one size."""
        wanted = sys.maxsize if size is None or size < 0 else size
        taken = bytearray()
        while len(taken) < wanted:
            if not self._rest:
                self._rest = next(self._chunks, b"")
            if not self._rest:
                break
            cut = wanted - len(taken)
            taken += self._rest[:cut]
            self._rest = self._rest[cut:]
        return bytes(taken)


class WholeFiles(FileSystemStorage):
    """Writes under a temporary name, waits for the disk, then moves: a reader of the folder never
    sees half a file."""

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(target.name + PART)
        try:
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                while chunk := content.read(_IN_MEMORY_BYTES):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return name


def _sync_folder(folder: Path) -> None:
    """Or a power cut could take the new name back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage() -> Storage:
    """The one of `BACKUP_STORAGE`. An upload to a bucket shows when it is complete."""
    address = settings.BACKUP_STORAGE
    if address.folder is not None:
        return WholeFiles(location=str(address.folder))
    bucket: Storage = S3Storage(
        bucket_name=address.bucket,
        location=address.prefix,
        endpoint_url=address.endpoint_url,
        region_name=address.region_name,
        file_overwrite=True,
        querystring_auth=False,
        max_memory_size=_IN_MEMORY_BYTES,
        transfer_config=TransferConfig(
            multipart_chunksize=_PART_BYTES,
            multipart_threshold=_PART_BYTES,
            use_threads=False,  # what is read tells of its progress, on this thread's connection
        ),
    )
    return bucket


def put(name: str, chunks: Iterator[bytes]) -> int:
    """Store them whole; how many bytes that were. Raises what `chunks` raises, or `BackupError`."""
    kept = storage()
    try:
        kept.save(name, File(cast(IO[bytes], Stream(chunks)), name=name))
        return int(kept.size(name))
    except STORAGE_ERRORS as error:
        raise BackupError(f"{settings.BACKUP_STORAGE} did not take it: {_reason(error)}") from error


def get(name: str) -> BinaryIO:
    """The file, from its beginning. Raises `BackupError` when it is not there."""
    try:
        file = storage().open(name, "rb")
        file.seek(0)
    except FileNotFoundError as error:
        raise BackupError(f"There is no {name} in {settings.BACKUP_STORAGE}.") from error
    except STORAGE_ERRORS as error:
        raise BackupError(f"{name} cannot be read: {_reason(error)}") from error
    return cast(BinaryIO, file)


def names() -> list[str]:
    """Of all backups there, the oldest first."""
    try:
        _, files = storage().listdir("")
    except FileNotFoundError:
        return []
    except STORAGE_ERRORS as error:
        reason = _reason(error)
        raise BackupError(f"{settings.BACKUP_STORAGE} cannot be listed: {reason}") from error
    return sorted(name for name in files if name.endswith(SUFFIX))


def remove(name: str) -> None:
    try:
        storage().delete(name)
    except STORAGE_ERRORS as error:
        raise BackupError(f"{name} could not be removed: {_reason(error)}") from error


def remove_parts() -> None:
    """What writers left that were killed. Only while no other one writes."""
    folder = settings.BACKUP_STORAGE.folder
    for part in folder.glob(f"*{SUFFIX}{PART}") if folder is not None else ():
        part.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """The kind of error and what the system calls it: no address of a storage, no name of a key."""
    code = ""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
    elif isinstance(error, OSError):
        code = error.strerror or ""
    return f"{type(error).__name__} {code}".strip() + "."
