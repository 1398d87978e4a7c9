"""Reads the environment, once, typed: nonsense raises here and nowhere else.

In development the process environment is completed from `.local/environment`, which `make run`
writes, so that `manage.py` commands work beside a running product without further set-up.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_ENVIRONMENT_FILE = BASE_DIR / ".local" / "environment"

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


def base_url(name: str, default: str, *, https_only: bool) -> str:
    """The product's own address, `scheme://host[:port]`, without a trailing slash."""
    value = env.str(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must look like https://switchboard.example.com."
        )
    if https_only and parts.scheme != "https":
        raise ImproperlyConfigured(
            f"{name} is {value!r}; production needs https, or sign-in cookies and webhook URLs"
            " would travel in the clear."
        )
    return value
