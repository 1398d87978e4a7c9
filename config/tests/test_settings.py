"""Settings as production reads them: nothing to warn of, and nonsense refused in one sentence.

In processes of their own, because settings are read once; with made-up values and no database.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.environment import BASE_DIR

_KEY = "A" * 43 + "="
PRODUCTION = {
    "ENVIRONMENT": "production",
    "PUBLIC_BASE_URL": "https://switchboard.example.com",
    # Nothing listens there, so that what should need no database fails at once if it does.
    "DATABASE_URL": "postgresql://runtime:x@127.0.0.1:1/switchboard",
    "DATABASE_OWNER_URL": "postgresql://owner:x@127.0.0.1:1/switchboard",
    "REDIS_URL": "rediss://:x@127.0.0.1:1/0",
    "SECRET_KEY": "made-up-for-the-test-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ENCRYPTION_KEYS": f"1:{_KEY}",
    "BACKUP_KEY": _KEY,
    "EMAIL_URL": "smtp+tls://app:x@127.0.0.1:1",
    "TRUSTED_PROXIES": "10.0.0.0/24, unix",
}


def manage(*arguments: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py` with production's environment, changed (None: not set), and nothing else."""
    values = {"PATH": os.environ["PATH"], **PRODUCTION, **changed}
    return subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", *arguments],
        cwd=BASE_DIR,
        env={name: value for name, value in values.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_production_settings_pass_the_deployment_check() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")


def test_only_three_deployment_checks_are_silenced() -> None:
    """Each for a reason that stands beside it; a fourth needs one, too."""
    assert "no issues (3 silenced)" in manage("check", "--deploy").stdout


def test_production_starts_without_a_mail_server_and_says_so() -> None:
    done = manage("check", "--deploy", EMAIL_URL=None)
    assert done.returncode == 0
    assert "(switchboard.W001) EMAIL_URL is not set, so no mail can be sent" in done.stderr


def test_production_without_proxies_is_warned_of_endless_redirects() -> None:
    done = manage("check", "--deploy", TRUSTED_PROXIES=None)
    assert "(switchboard.W002) TRUSTED_PROXIES is not set" in done.stderr
    started = manage("shell", "-c", "import config.wsgi", TRUSTED_PROXIES=None)
    assert "every page redirects to itself forever" in started.stderr


def test_production_with_proxies_starts_silently() -> None:
    assert "redirects" not in manage("shell", "-c", "import config.wsgi").stderr


def test_models_and_migrations_agree() -> None:
    done = manage("makemigrations", "--check", "--dry-run")
    assert (done.returncode, done.stdout.strip()) == (0, "No changes detected")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        # The default is for development: http on this machine.
        ({"PUBLIC_BASE_URL": None}, "PUBLIC_BASE_URL is 'http://localhost:8000'; production needs"),
        (
            {"PUBLIC_BASE_URL": "http://switchboard.example.com"},
            "PUBLIC_BASE_URL is 'http://switchboard.example.com'; production needs https,",
        ),
        (
            {"PUBLIC_BASE_URL": "switchboard.example.com"},
            "PUBLIC_BASE_URL is 'switchboard.example.com'; it must look like https://",
        ),
        (
            {"RETELL_BASE_URL": "http://api.retellai.com"},
            "RETELL_BASE_URL is 'http://api.retellai.com'; production needs https, or API keys",
        ),
        ({"RETELL_BASE_URL": "api.retellai.com"}, "RETELL_BASE_URL is 'api.retellai.com'; it must"),
        (
            {"DEMO_RETELL_BASE_URL": "http://127.0.0.1:8002"},
            "DEMO_RETELL_BASE_URL is set; production asks Retell itself, for every organization.",
        ),
        (
            {"ENVIRONMENT": "development", "DEMO_RETELL_BASE_URL": "https://evil.example.com"},
            "DEMO_RETELL_BASE_URL is 'https://evil.example.com'; it must be an address of this",
        ),
        ({"RETELL_LIST_BUDGET": "0"}, "RETELL_LIST_BUDGET is '0'; it must be a whole number from"),
        ({"RETELL_TRIES": "many"}, "RETELL_TRIES is 'many'; it must be a whole number from 1."),
        ({"SECRET_KEY": None}, "SECRET_KEY is not set. "),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. "),
        ({"ENCRYPTION_KEYS": None}, "ENCRYPTION_KEYS is not set. "),
        (
            {"EMAIL_URL": "smtps://app:secret@mail.example.com"},
            "EMAIL_URL must look like smtp+tls:",
        ),
        ({"EMAIL_URL": "smtp+tls://app:se/cret@mail.example.com"}, "EMAIL_URL must look like smtp"),
        ({"EMAIL_URL": "smtp://app:secret@mail.example.com"}, "EMAIL_URL sends a password in the "),
        (
            {"MAIL_FROM": "Switchboard"},
            "MAIL_FROM is 'Switchboard'; it must look like Switchboard ",
        ),
        (
            {"TRUSTED_PROXIES": "proxy.example.com"},
            "TRUSTED_PROXIES cannot be read: “proxy.example.com” is neither an address nor a ",
        ),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES trusts every address, so anybody "),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT is 'staging'; it must be one of development,"),
    ],
    ids=[
        "no address",
        "plain http",
        "no scheme",
        "Retell over http",
        "Retell without a scheme",
        "a made-up Retell",
        "a made-up Retell elsewhere",
        "a budget of nothing",
        "tries that are no number",
        "no secret key",
        "empty secret key",
        "no encryption keys",
        "mail by a scheme of two meanings",
        "mail with a password that ends the host",
        "mail password in the clear",
        "no sender",
        "a proxy by name",
        "everybody a proxy",
        "unknown environment",
    ],
)
def test_production_refuses(changed: dict[str, str | None], sentence: str) -> None:
    done = manage("check", **changed)
    assert done.returncode != 0
    # One sentence, and no traceback.
    assert done.stderr.startswith(f"Switchboard is not configured: {sentence}")
    assert done.stderr.strip().count("\n") == 0
    assert "secret" not in done.stderr
