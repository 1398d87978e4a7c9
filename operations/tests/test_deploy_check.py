"""What stands between an installation and the internet is named, with how to fix it."""

from __future__ import annotations

import base64
import io
import json
import os
import secrets
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connections

from operations import deploy_check
from operations.health import MEASUREMENTS, Measurement
from testing.fixtures import World

pytestmark = pytest.mark.usefixtures("committed")


def random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def production(settings: Any, tmp_path: Path) -> Any:
    """Settings that nothing is said against, but that nobody listens at the public address."""
    settings.ENVIRONMENT, settings.PRODUCTION, settings.DEBUG = "production", True, False
    settings.SECURE, settings.PUBLIC_BASE_URL = True, "https://127.0.0.1:9"
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    settings.ENCRYPTION_KEYS, settings.BACKUP_KEY = f"1:{random_key()}", random_key()
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").touch()
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = True
    settings.CSRF_COOKIE_SECURE = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_HSTS_SECONDS, settings.TRUSTED_PROXIES = 31_536_000, ("unix",)
    return settings


def found(code: str) -> Measurement:
    return next(one for one in deploy_check.findings() if one.code == code)


def refused(code: str) -> str:
    finding = found(code)
    assert not finding.is_well
    assert finding.fix
    return f"{finding.found} {finding.fix}"


def test_a_fit_installation_has_nothing_against_it(production: Any) -> None:
    wrong = [one.code for one in deploy_check.findings() if not one.is_well]
    # The engines of the tests forget on purpose: they are faster so. With a browser in this process
    # Django's guard against async code is off.
    assert set(wrong) - {"async.E001"} == {"durability", "durability_of_owner"}


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("environment", {"ENVIRONMENT": "development", "PRODUCTION": False}),
        ("debug", {"DEBUG": True}),
        ("base_url", {"SECURE": False}),
        ("secret_key", {"SECRET_KEY": "short"}),
        ("secret_key", {"SECRET_KEY": "x" * 80}),
        ("secret_key", {"SECRET_KEY": "django-insecure-" + "abcdefghijklmnop" * 4}),
        ("encryption_keys", {"ENCRYPTION_KEYS": "1:" + base64.b64encode(bytes(32)).decode()}),
        ("backup_key", {"BACKUP_KEY": ""}),
        ("backup_key", {"BACKUP_KEY": base64.b64encode(bytes(32)).decode()}),
        ("static_files", {"STATIC_ROOT": "/nowhere"}),
        ("switchboard.W001", {"MAIL_IS_CONFIGURED": False}),
        ("switchboard.W002", {"TRUSTED_PROXIES": ()}),
        ("login_backup", {"DATABASE_BACKUP_URL": ""}),
        ("login_backup", {"DATABASE_BACKUP_URL": "no address"}),
    ],
)
def test_each_is_refused_with_a_remedy(production: Any, code: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(production, name, value)
    assert refused(code)


def test_a_backup_key_that_encrypts_the_database_too_is_refused(production: Any) -> None:
    production.BACKUP_KEY = production.ENCRYPTION_KEYS.partition(":")[2]
    refused("backup_key")


def test_a_forgetful_database_is_refused(production: Any) -> None:
    assert "fsync" in refused("durability")
    assert "fsync" in refused("durability_of_owner")


def test_the_owner_in_place_of_the_backup_login_is_refused(production: Any) -> None:
    production.DATABASE_BACKUP_URL = os.environ["DATABASE_OWNER_URL"]
    assert "_owner, not " in refused("login_backup")


def test_an_administrator_in_place_of_the_runtime_login_is_refused(
    production: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = connections["default"].settings_dict
    owner = connections["owner"].settings_dict
    monkeypatch.setitem(values, "USER", owner["USER"])
    monkeypatch.setitem(values, "PASSWORD", owner["PASSWORD"])
    refused("login_runtime")


def test_a_wrong_password_is_named_and_not_printed(production: Any) -> None:
    url = django_settings.DATABASE_BACKUP_URL
    password = url.split(":")[2].partition("@")[0]
    production.DATABASE_BACKUP_URL = url.replace(password, "planted-secret")
    said = refused("login_backup")
    assert "password is wrong" in said
    assert "planted-secret" not in said


def test_a_missing_redis_is_refused(production: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        MEASUREMENTS,
        "redis",
        lambda: Measurement(
            "redis", is_well=False, found="Redis does not answer.", fix="Start it."
        ),
    )
    refused("redis")


def _answer(**headers: str) -> Any:
    return lambda *_, **__: httpx.Response(200, headers=headers)


@pytest.mark.parametrize(("seconds", "is_well"), [(0, True), (59, True), (65, False), (-65, False)])
def test_the_proxys_clock_is_compared(production: Any, seconds: float, is_well: bool) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    assert deploy_check._public_address(_answer(Date=date)).is_well is is_well


def test_nonsense_for_a_date_says_nothing(production: Any) -> None:
    assert deploy_check._public_address(_answer(Date="yesterday")).is_well


def test_an_endless_redirect_is_named(production: Any) -> None:
    redirect = httpx.Response(301, headers={"Location": "/health"})
    finding = deploy_check._public_address(lambda *_, **__: redirect)
    assert not finding.is_well
    assert "TRUSTED_PROXIES" in finding.fix


def run(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError, match="Not fit for production"):
        call_command("deploy_check", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_ends_with_an_error_and_says_what_to_do(production: Any) -> None:
    said = run()
    assert "NO  " in said
    assert "→ Switch it on" in said


def test_the_command_says_the_same_as_json(production: Any) -> None:
    said = json.loads(run("--json"))
    assert said["is_ready"] is False
    assert {"code", "is_well", "found", "fix"} == set(said["findings"][0])


def test_no_secret_is_printed(production: Any) -> None:
    said = run() + run("--json")
    urls = [os.environ[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL")]
    passwords = [url.split(":")[2].partition("@")[0] for url in urls]
    secrets_ = [production.SECRET_KEY, production.BACKUP_KEY, production.ENCRYPTION_KEYS[2:]]
    for secret in (*passwords, *secrets_):
        assert secret not in said


def test_settings_that_cannot_be_read_are_refused_too(committed: World) -> None:
    environment = os.environ | {"ENVIRONMENT": "production", "PUBLIC_BASE_URL": "http://a.example"}
    result = subprocess.run(
        [sys.executable, "manage.py", "deploy_check"],
        cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert "production needs https" in result.stderr
