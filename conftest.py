"""Tests run against the real engines: PostgreSQL and Valkey, started here and only for them.

Each run has a database of its own, so that runs do not meet, and the roles of production: the
application connects as the runtime login, never as the owner.
"""

from __future__ import annotations

import atexit
import base64
import os
import re
import shutil
import tempfile

import django

from operations.local.pytest_plugin import start_test_engines

engines = start_test_engines()
DATABASE = f"test_{os.getpid()}"


metrics_folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, metrics_folder, ignore_errors=True)


def _redis_database(found: re.Match[str]) -> str:
    return re.sub(r"\d+", str(os.getpid() % 16), found[0])


os.environ.update(
    {
        "ENVIRONMENT": "test",
        "SECRET_KEY": "tests only",
        "ENCRYPTION_KEYS": "1:" + base64.b64encode(bytes(32)).decode(),
        "BACKUP_KEY": base64.b64encode(bytes(32)).decode(),
        "PUBLIC_BASE_URL": "http://localhost:8000",
        # Tests empty their cache; runs at the same time should rarely share one.
        "REDIS_URL": re.sub(r"db=\d+|/\d+$", _redis_database, os.environ["REDIS_URL"]),
        "LIVE_PORT": "8001",
        "METRICS_DIR": metrics_folder,
        "WEBHOOK_ENDPOINT_CACHE_SECONDS": "0.2",
        # Nobody listens there: what asks Retell uses the fixture `retell_api`.
        "RETELL_BASE_URL": "http://127.0.0.1:9",
    }
)

from tenants.db.setup import prepare_database  # noqa: E402 - the environment comes first

logins = prepare_database(
    os.environ["DATABASE_ADMIN_URL"], database=DATABASE, report=lambda _: None
)
os.environ["DATABASE_URL"] = logins.runtime_url
os.environ["DATABASE_OWNER_URL"] = logins.owner_url
os.environ["DATABASE_BACKUP_URL"] = logins.backup_url
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

django.setup()

pytest_plugins = [
    "testing.fixtures",
    "testing.browser",
    "testing.retell_api",
    "testing.api",
]
