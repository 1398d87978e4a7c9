"""Where files are kept that must survive this machine: a folder, or a bucket of an S3-like storage.

    file:///var/backups/switchboard
    s3://bucket/prefix?endpoint_url=https://s3.example.com&region_name=eu-central-1

Keys of a storage are never part of it: they are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or
what else boto3 finds, such as the role of a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import env

_EXAMPLES = "file:///var/backups/switchboard or s3://bucket/prefix?endpoint_url=https://…"
_OPTIONS = {"endpoint_url", "region_name"}


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """`folder` for files; else a bucket, a prefix of its names, and how it is reached."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""
    endpoint_url: str | None = None
    region_name: str | None = None

    def __str__(self) -> str:
        """As people see it."""
        if self.folder is not None:
            return str(self.folder)
        return f"s3://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def storage_address(name: str, default: str, *, https_only: bool) -> StorageAddress:
    """The address in this variable. No error quotes it: it may hold a password."""
    value = env.str(name, "") or default
    try:
        parts = urlsplit(value)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        parts, options = urlsplit(""), {}
    if parts.username or parts.password:
        raise ImproperlyConfigured(
            f"{name} holds a password; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    if parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/") and not options:
        return StorageAddress(folder=Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and set(options) <= _OPTIONS:
        endpoint = options.get("endpoint_url")
        if endpoint and urlsplit(endpoint).scheme not in _schemes(https_only=https_only):
            raise ImproperlyConfigured(f"The endpoint_url of {name} must be an https:// address.")
        return StorageAddress(
            bucket=parts.netloc,
            prefix=unquote(parts.path).strip("/"),
            endpoint_url=endpoint,
            region_name=options.get("region_name"),
        )
    raise ImproperlyConfigured(f"{name} must look like {_EXAMPLES}.")


def _schemes(*, https_only: bool) -> set[str]:
    return {"https"} if https_only else {"https", "http"}
