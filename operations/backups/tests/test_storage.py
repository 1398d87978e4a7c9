"""Where backups are kept: folders, and buckets over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from moto.server import ThreadedMotoServer

from config.storage_addresses import StorageAddress, storage_address
from operations.backups import storage
from operations.backups.exceptions import BackupError
from operations.backups.tests.conftest import run
from testing.fixtures import World

NAME = f"one{storage.SUFFIX}"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings.BACKUP_STORAGE = StorageAddress(
        bucket="switchboard", prefix="nightly", endpoint_url=s3, region_name="us-east-1"
    )
    made = boto3.resource("s3", endpoint_url=s3, region_name="us-east-1").Bucket("switchboard")
    made.create()
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture(params=["folder", "bucket"])
def anywhere(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    if request.param == "bucket":
        request.getfixturevalue("bucket")
    else:
        settings.BACKUP_STORAGE = StorageAddress(folder=tmp_path / "store")


def chunks(size: int, number: int) -> Iterator[bytes]:
    return (bytes([at % 256]) * size for at in range(number))


@pytest.mark.usefixtures("anywhere")
def test_what_is_stored_comes_back() -> None:
    content = b"".join(chunks(1000, 70))
    assert storage.put(NAME, chunks(1000, 70)) == len(content)
    with storage.get(NAME) as file:
        assert file.read() == content
    assert storage.names() == [NAME]


@pytest.mark.usefixtures("anywhere")
def test_what_is_removed_is_gone() -> None:
    storage.put(NAME, chunks(10, 1))
    storage.remove(NAME)
    storage.remove(NAME)  # twice is no error
    assert storage.names() == []
    with pytest.raises(BackupError, match="There is no"):
        storage.get(NAME)


@pytest.mark.usefixtures("anywhere")
def test_a_source_that_fails_leaves_nothing() -> None:
    def failing() -> Iterator[bytes]:
        yield b"x" * 1000
        raise BackupError("pg_dump failed")

    with pytest.raises(BackupError, match="pg_dump failed"):
        storage.put(NAME, failing())
    assert storage.names() == []


def test_a_large_one_goes_up_in_parts(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_PART_BYTES", 5 * 1024 * 1024)
    assert storage.put(NAME, chunks(1024 * 1024, 12)) == 12 * 1024 * 1024
    etag = bucket.Object(f"nightly/{NAME}").e_tag
    assert etag.strip('"').endswith("-3")


def test_half_an_upload_shows_nothing_and_keeps_nothing(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_PART_BYTES", 5 * 1024 * 1024)

    def failing() -> Iterator[bytes]:
        yield from chunks(1024 * 1024, 12)
        raise BackupError("pg_dump failed")

    with pytest.raises(BackupError, match="pg_dump failed"):
        storage.put(NAME, failing())
    assert storage.names() == []
    assert list(bucket.multipart_uploads.all()) == []


def test_a_bucket_that_is_away_is_one_sentence(settings: Any, bucket: Any) -> None:
    settings.BACKUP_STORAGE = StorageAddress(
        bucket="missing", endpoint_url=settings.BACKUP_STORAGE.endpoint_url,
        region_name="us-east-1",
    )  # fmt: skip
    with pytest.raises(BackupError, match=r"did not take it: .*NoSuchBucket"):
        storage.put(NAME, chunks(10, 1))


@pytest.mark.usefixtures("store", "bucket")
def test_a_backup_in_a_bucket_is_proven(filled: World) -> None:
    made = run("backup")
    assert made["storage"] == "s3://switchboard/nightly"
    assert run("verify_backup", made["name"])["proof"] == "proven"


# --- Addresses -----------------------------------------------------------------------------------


def address(value: str, monkeypatch: pytest.MonkeyPatch, *, https_only: bool = True) -> Any:
    monkeypatch.setenv("BACKUP_STORAGE", value)
    return storage_address("BACKUP_STORAGE", "file:///default", https_only=https_only)


def test_a_folder_and_a_bucket_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address("file:///var/my%20backups", monkeypatch).folder == Path("/var/my backups")
    found = address("s3://b/a/c?endpoint_url=https://s3.example.com", monkeypatch)
    assert (found.bucket, found.prefix) == ("b", "a/c")
    assert found.endpoint_url == "https://s3.example.com"
    assert str(found) == "s3://b/a/c"
    assert address("", monkeypatch).folder == Path("/default")


@pytest.mark.parametrize(
    "value",
    [
        "/var/backups", "file://backups", "file:///", "ftp://host/folder", "s3:///prefix",
        "s3://bucket?acl=public", "s3://bucket?endpoint_url", "s3://key:secret@bucket/",
        "s3://bucket?endpoint_url=http://s3.example.com",
    ],
)  # fmt: skip
def test_nonsense_is_refused_without_quoting_it(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        address(value, monkeypatch)
    assert "secret" not in str(raised.value)
