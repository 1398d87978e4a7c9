"""Makes, drops and restores an organization's schema and role. Uses the owner login."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from psycopg import sql

from tenants import migrator
from tenants.db import grants
from tenants.db.roles import role_name
from tenants.dumps import programs, sealing
from tenants.dumps.programs import Source
from tenants.dumps.sealing import Label
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


DUMP_KIND = "deleted organization"


def _dump_folder() -> Path:
    folder = Path(settings.BACKUP_DIR) / "deleted"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def dump_schema(organization: Organization) -> tuple[Path, str]:
    """Encrypted `pg_dump` of one organization's schema, written and read back; its path and
    SHA-256. Raises `DumpError`, and leaves no file then."""
    now = timezone.now()
    path = _dump_folder() / f"{organization.schema_name}-{now:%Y%m%dT%H%M%SZ}.dump"
    label = Label(DUMP_KIND, path.stem, _database(), str(organization.pk), now.isoformat())
    digest = hashlib.sha256()
    plain = _counted(
        programs.dump(
            "--no-owner",
            "--no-privileges",
            f"--schema={organization.schema_name}",
            environment=programs.environment_of(OWNER),
        ),
        digest,
    )
    try:
        path.touch(mode=0o600)
        with path.open("wb") as file:
            file.writelines(sealing.seal(label, plain))
            file.flush()
            os.fsync(file.fileno())
        _check(path, organization, digest.digest())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, _sha256(path)


def _counted(chunks: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _check(path: Path, organization: Organization, expected: bytes) -> None:
    found = hashlib.sha256()
    for _ in _counted(_unseal(path, organization.pk), found):
        pass
    if found.digest() != expected:
        raise DumpError("The dump that was written could not be read back. Nothing was deleted.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unseal(path: Path, organization_id: UUID) -> Iterator[bytes]:
    """The plain dump. Raises `DumpError`; only at its end is it known to be whole."""
    try:
        with path.open("rb") as file:
            label, chunks = sealing.unseal(file)
            _check_label(label, organization_id)
            yield from chunks
    except (OSError, DumpError) as error:
        raise DumpError(
            f"The dump {path.name} cannot be read: it is missing or changed. {error}"
        ) from error


def _check_label(label: Label, organization_id: UUID) -> None:
    if (label.kind, label.subject) != (DUMP_KIND, str(organization_id)):
        raise DumpError("It is another organization's.")


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


def restore_schema(organization: Organization, source: Source | None = None) -> Path:
    """Undo a deletion: schema, role, grants and status as they were; then up to date.

    `source`: another dump than the one of its deletion, which is kept then: its path is returned.
    May be repeated after a crash: a schema that is back already is not restored twice.
    """
    kept = DeletedOrganization.objects.using(OWNER).get(organization_id=organization.pk)
    dump = Path(kept.dump_path)
    if not _schema_exists(organization.schema_name):
        _restore(organization, source or (lambda: _unseal(dump, organization.pk)))
    _create_role(organization.schema_name)
    with transaction.atomic(using=OWNER):
        _grant_role(organization.schema_name)
        _set_status(organization, OrganizationStatus(kept.status_before), deleted_at=None)
        kept.delete(using=OWNER)
    if source is None:
        dump.unlink(missing_ok=True)
    else:  # older or newer than the dump of now: its level is whatever it was
        Organization.objects.using(OWNER).filter(pk=organization.pk).update(
            migration_fingerprint=""
        )
    migrator.migrate_organizations(lambda _: None)
    return dump


def _schema_exists(schema: str) -> bool:
    with migrator.owner_connection().cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def _restore(organization: Organization, source: Source) -> None:
    for _ in source():
        pass  # to its end once, before anything of it is believed
    programs.restore(
        source,
        "--no-privileges",
        wanted=_of(organization.schema_name),
        environment=programs.environment_of(OWNER),
        server_version=_server_version(),
        in_one_transaction=True,
    )


def _of(schema: str) -> Callable[[str], bool]:
    """Whether a line of a dump's contents is about a schema, or something in it."""
    line = re.compile(rf"^\d+; \d+ \d+ (SCHEMA -|[A-Z ]+) {re.escape(schema)} ")
    return lambda text: line.match(text) is not None


def _server_version() -> int:
    connection = migrator.owner_connection()
    connection.ensure_connection()
    return int(connection.connection.info.server_version)


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
