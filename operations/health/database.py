"""The database answers, keeps what it confirms, and stands at the level of this version."""

from __future__ import annotations

import functools

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from operations.health.measurement import Measurement, asks_database
from tenants import migrator
from tenants.db.durability import switched_off
from tenants.models import Organization

RELEASE_FIX = "Run `manage.py release`; it is safe beside the running version."


@asks_database("database")
def database() -> Measurement:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Measurement("database", is_well=True, found="The database answers.")


@asks_database("durability")
def durability() -> Measurement:
    """Whether PostgreSQL forgets what it confirmed when its host crashes."""
    off = switched_off()
    if not off:
        return Measurement(
            "durability", is_well=True, found="PostgreSQL keeps what it confirmed over a crash."
        )
    return Measurement(
        "durability",
        is_well=False,
        found=f"PostgreSQL would lose what it confirmed when its host crashes: {', '.join(off)}"
        " is off.",
        fix="Switch it on in postgresql.conf and for the product's logins, then start PostgreSQL"
        " again.",
    )


@functools.cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those in the code of this process: they do not change while it runs."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


@functools.cache
def _fingerprint() -> str:
    return migrator.current_fingerprint()


@asks_database("migrations")
def migrations() -> Measurement:
    """The level of the shared schema and of every organization's, in two queries for any number.

    A database that a newer version has migrated is well: `release` runs beside the version that
    still serves. The shared schema records the migrations of organizations too, so it tells.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        applied = set(cursor.fetchall())
    missing = _known_migrations() - applied
    if missing:
        found = f"{len(missing)} of this version's migrations are missing in the shared schema."
        return Measurement("migrations", is_well=False, found=found, fix=RELEASE_FIX)
    labels = {name.rpartition(".")[2] for name in settings.TENANT_APPS}
    if any(app in labels for app, _name in applied - _known_migrations()):
        found = "A newer version has migrated the database; this one goes on with it."
        return Measurement("migrations", is_well=True, found=found)
    return _organizations_level()


def _organizations_level() -> Measurement:
    behind = Organization.objects.with_schema().exclude(migration_fingerprint=_fingerprint())
    number = behind.count()
    if not number:
        return Measurement(
            "migrations", is_well=True, found="Every schema stands at this version's migrations."
        )
    return Measurement(
        "migrations",
        is_well=False,
        found=f"Schemas of organizations that are behind this version's migrations: {number}.",
        fix=RELEASE_FIX,
    )
