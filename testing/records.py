"""One of everything that the admin shows, or many; every secret column holds a planted one."""

from __future__ import annotations

import json
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnAttestation, WebAuthnCredential, WebAuthnUserHandle

from accounts.models import (
    AccessPolicy,
    ActingInside,
    ApiKey,
    EmailChange,
    Invitation,
    KnownDevice,
    Membership,
    RecoveryCode,
    RecoveryCodes,
    Role,
    Session,
    TokenFamily,
    User,
)
from accounts.sessions import session_id
from audit.models import Entry
from operations.models import AllowedNetwork
from tenants.models import Domain, Organization, WebhookEndpoint
from tenants.scope import platform

SECRET = b"planted-secret"
# Where only lower-case letters and digits may stand.
SECRET_WORD = "plantedsecret"


def secret(number: int, length: int = 32) -> bytes:
    return (SECRET + b"-%d-" % number).ljust(length, b"x")


def _organization(number: int) -> Organization:
    return Organization.objects.create(name=f"Client {number}", slug=f"client-{number}")


def _person(number: int) -> User:
    password = secret(number).decode()
    return User.objects.create(email=f"p{number}@example.com", password=password)


def _credentials(number: int, user: User) -> None:
    key = secret(number)
    TOTPDevice.objects.create(user=user, name="Phone", key=key.hex())
    passkey = WebAuthnCredential.objects.create(
        user=user, name="Laptop", credential_id=key, public_key=key,
        credential_id_sha256=key.hex(),
    )  # fmt: skip
    WebAuthnAttestation.objects.create(credential=passkey, data=key, client_data_json=key)
    WebAuthnUserHandle.objects.create(user=user, handle_hex=secret(number, 64).hex())
    sheet = RecoveryCodes.objects.create(user=user, name="Codes")
    RecoveryCode.objects.create(device=sheet, code_sha256=key)
    KnownDevice.objects.create(user=user, token_sha256=key)
    TokenFamily.objects.create(
        user=user, is_verified=True, password_seal=key.hex(),
        ends_at=timezone.now() + timedelta(days=14),
    )  # fmt: skip


def _coming_in(number: int, user: User, organization: Organization) -> None:
    later = timezone.now() + timedelta(days=1)
    key = f"{SECRET_WORD}{number:019d}"
    Session.objects.create(
        session_key=key, session_data=secret(number).decode(), expire_date=later, user=user,
        id=session_id(key), organization=organization, limits="member", device="Chrome on Linux",
    )  # fmt: skip
    Invitation.objects.create(
        organization=organization, email="new@example.com", role=Role.VIEWER, expires_at=later,
        token_sha256=secret(number),
    )  # fmt: skip
    EmailChange.objects.create(user=user, new_email="other@example.com", expires_at=later)
    ActingInside.objects.create(
        organization=organization, user=user, user_label="Sam", reason="A caller asked"
    )


def _of_the_organization(number: int, user: User, organization: Organization) -> None:
    Domain.objects.create(tenant=organization, domain=f"calls{number}.example.com")
    Membership.objects.create(user=user, organization=organization, role=Role.ADMIN)
    AccessPolicy.objects.create(organization=organization)
    key = secret(number)
    ApiKey.objects.create(
        organization=organization, name="Warehouse", key_sha256=key, hint="swb_abcd",
        scopes=["calls:read"], created_by="Alice",
    )  # fmt: skip
    WebhookEndpoint.objects.create(organization=organization, token_sha256=key, token_encrypted=key)
    Entry.objects.create(
        organization_id=organization.pk, sequence=1, code="agents.renamed", action=1,
        object_repr="Front desk", actor_label="Alice", actor_id=user.pk, previous_hash=bytes(32),
        hash=bytes(32), changes={"name": ["Desk", "Front desk"]}, additional_data={"device": "?"},
    )  # fmt: skip


def _of_the_product(number: int) -> None:
    AllowedNetwork.objects.create(
        cidr=f"127.0.0.0/{number % 24 + 8}" if number < 24 else f"::{number}"
    )
    with connection.cursor() as cursor:  # its models are read-only
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        (worker,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, args, status, worker_id)"
            " VALUES ('accounts.mail', 'default', %s, 'todo', %s) RETURNING id",
            [json.dumps({"user_id": number}), worker],
        )
        (job,) = cursor.fetchone()
        for status in ("doing", "failed"):  # each writes an event
            cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, job])
        cursor.execute(
            "INSERT INTO procrastinate_periodic_defers"
            " (task_name, periodic_id, defer_timestamp, job_id) VALUES ('daily', '', %s, %s)",
            [number, job],
        )


def fill_records(numbers: range) -> None:
    """So many of everything, each belonging to another person and organization."""
    with platform():
        for number in numbers:
            user, organization = _person(number), _organization(number)
            _credentials(number, user)
            _coming_in(number, user, organization)
            _of_the_organization(number, user, organization)
            _of_the_product(number)
