"""Reads the environment, once, typed: nonsense raises here and nowhere else.

In development the process environment is completed from `.local/environment`, which `make run`
writes, so that `manage.py` commands work beside a running product without further set-up.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from datetime import time
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.networks import Network, TrustedProxies, parse_network

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_ENVIRONMENT_FILE = BASE_DIR / ".local" / "environment"

KEY_BYTES = 32
_VERSION = re.compile(r'^version = "([^"]+)"', re.MULTILINE)

# django-environ's `smtps` means STARTTLS, to everybody else TLS from the start; so it is refused.
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
MAIL_SCHEMES = {*MAIL_PORTS, "filemail", "consolemail", "memorymail", "dummymail"}

env = environ.Env()


def _parse(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    return {key.strip(): value.strip() for key, value in pairs}


def complete_from_local_file(file: Path = LOCAL_ENVIRONMENT_FILE) -> None:
    """Fill what the process environment does not say from the file of `make run`.

    A `DATABASE_URL` without a `DATABASE_OWNER_URL` is an administrator's login: the logins that
    `setup_database` prepared from it stand in the file and are used instead.
    """
    if os.environ.get("ENVIRONMENT", "development") != "development" or not file.is_file():
        return
    values = _parse(file.read_text())
    given = os.environ.get("DATABASE_URL")
    if given and "DATABASE_OWNER_URL" not in os.environ:
        if given != values.get("DATABASE_ADMIN_URL"):
            return
        del os.environ["DATABASE_URL"]
    for key, value in values.items():
        os.environ.setdefault(key, value)


def release(name: str) -> str:
    """What runs here, as `switchboard@0.1.0+1a2b3c4d`: version, and the commit where one is known.
    An installation without its `.git` folder may say it itself."""
    found = _VERSION.search((BASE_DIR / "pyproject.toml").read_text())
    commit = _commit(BASE_DIR / ".git")
    here = f"switchboard@{found[1] if found else '0'}" + (f"+{commit[:8]}" if commit else "")
    value: str = env.str(name, here)
    return value


def _commit(folder: Path) -> str:
    """The commit that is checked out, read without git; empty when it cannot be told."""
    try:
        head = (folder / "HEAD").read_text().strip()
        reference = head.removeprefix("ref: ")
        return head if reference == head else (folder / reference).read_text().strip()
    except OSError:
        return ""


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = env.str(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def required(name: str, hint: str) -> str:
    value = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {hint}")
    return value


def parse_key_ring(text: str) -> dict[int, bytes]:
    """`2:<base64 of 32 bytes>,1:<base64 of 32 bytes>` as version → key, newest first."""
    ring: dict[int, bytes] = {}
    for entry in text.split(","):
        version, _, encoded = entry.strip().partition(":")
        key = _base64_key(encoded)
        usable = version.isdecimal() and 0 < int(version) < 256 and key is not None
        if not usable or int(version) in ring:  # twice would lose one of the keys
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS must look like 2:<base64 of 32 bytes>,1:<base64 of 32 bytes>,"
                " each number once."
            )
        ring[int(version)] = key or b""
    return ring


def _base64_key(encoded: str) -> bytes | None:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def encryption_keys(name: str, hint: str) -> str:
    """The text of the key ring, checked."""
    value = required(name, hint)
    parse_key_ring(value)
    return value


def backup_key(name: str) -> str:
    """Base64 of 32 bytes, or empty: nothing can be deleted then, because nothing can be kept."""
    value: str = env.str(name, "")
    if value and _base64_key(value) is None:
        raise ImproperlyConfigured(f"{name} must be the base64 of 32 bytes.")
    return value


def count(name: str, default: int) -> int:
    """A whole number from 1."""
    value = env.str(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number from 1.")
    return int(value)


def clock_time(name: str, default: str) -> time:
    """A time of day such as 02:30."""
    value = env.str(name, default)
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must look like 02:30.") from None


_OWN_HTTPS = "or sign-in cookies and webhook URLs would travel in the clear"


def base_url(name: str, default: str, *, https_only: bool, why: str = _OWN_HTTPS) -> str:
    """An address as `scheme://host[:port]`, without a trailing slash, such as the product's own."""
    value = env.str(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must look like https://host.example.com."
        )
    if https_only and parts.scheme != "https":
        raise ImproperlyConfigured(f"{name} is {value!r}; production needs https, {why}.")
    return value


def demo_retell_url(name: str, *, allowed: bool) -> str:
    """Where a made-up Retell answers for demo organizations, on this machine; "" for nowhere."""
    value: str = env.str(name, "")
    if value and not allowed:
        raise ImproperlyConfigured(
            f"{name} is set; production asks Retell itself, for every organization. Remove it."
        )
    if value and urlsplit(base_url(name, "", https_only=False)).hostname not in LOOPBACK:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be an address of this machine.")
    return value.rstrip("/")


def mail_settings(name: str, default: str, *, tls_only: bool) -> dict[str, Any]:
    """Django's `EMAIL_…` settings from a URL. No error quotes it: it may hold a password."""
    value = env.str(name, "") or default
    try:
        parts = urlsplit(value)
        port = parts.port or MAIL_PORTS.get(parts.scheme)
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in MAIL_SCHEMES or (port and not parts.hostname) or parts.query:
        raise ImproperlyConfigured(
            f"{name} must look like smtp+tls://user:password@mail.example.com (port 587) or"
            " smtp+ssl://… (port 465), with special characters of the password %-encoded."
        )
    if tls_only and parts.scheme == "smtp" and parts.password:
        raise ImproperlyConfigured(
            f"{name} sends a password in the clear; use smtp+tls:// or smtp+ssl://."
        )
    config = env.email_url_config(value)
    # django-environ takes the slash of an absolute path away.
    path = "/" + config["EMAIL_FILE_PATH"].lstrip("/") if parts.scheme == "filemail" else ""
    return {**config, "EMAIL_PORT": port, "EMAIL_FILE_PATH": path}


def mail_address(name: str, default: str) -> str:
    """`Name <address>`, or an address alone."""
    value = env.str(name, "") or default
    try:
        Address(addr_spec=parseaddr(value)[1])
    except (HeaderParseError, IndexError, ValueError):
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must look like Switchboard <switchboard@example.com>."
        ) from None
    return value


SECRET_MIN_LENGTH = 32


def long_secret(name: str) -> str:
    """A secret too long to guess, or empty: nobody has it then. No error quotes it."""
    value: str = env.str(name, "")
    if value and len(value) < SECRET_MIN_LENGTH:
        raise ImproperlyConfigured(
            f"{name} is too short; give at least {SECRET_MIN_LENGTH} characters, such as those of"
            " `openssl rand -base64 32`."
        )
    return value


def sentry_dsn(name: str) -> str:
    """`https://key@host/project`, or empty. No error quotes it: with the key, anybody may write."""
    value: str = env.str(name, "")
    parts = urlsplit(value)
    is_usable = parts.scheme in ("http", "https") and parts.username and parts.hostname
    if value and not (is_usable and parts.path.rpartition("/")[2].isdecimal()):
        raise ImproperlyConfigured(f"{name} must look like https://key@sentry.example.com/1.")
    return value


def _entries(name: str) -> list[str]:
    return [entry.strip() for entry in env.str(name, "").split(",") if entry.strip()]


def networks(name: str) -> tuple[Network, ...]:
    """Addresses and networks, comma separated."""
    try:
        return tuple(parse_network(entry) for entry in _entries(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from error


def trusted_proxies(name: str) -> TrustedProxies:
    """Addresses and networks, comma separated; `unix` for a proxy in front of a unix socket."""
    entries = _entries(name)
    try:
        trusted = tuple(parse_network(entry) for entry in entries if entry != "unix")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from error
    if any(network.prefixlen == 0 for network in trusted):
        raise ImproperlyConfigured(
            f"{name} trusts every address, so anybody could claim to be anybody; name the proxies'"
            " own addresses or networks."
        )
    return TrustedProxies(trusted, unix_socket="unix" in entries)
