"""Who can sign in to the demo, and the file that says how."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from accounts.actions.members import add_member
from accounts.actions.super_admins import create_super_admin
from accounts.models import Role, User
from operations.local.folders import Folders, write_private
from tenants.models import Organization
from tenants.scope import door, platform

DEMO_FILE = Folders.for_run().demo
PASSWORD_BYTES = 12


@dataclass(frozen=True)
class Member:
    """A person of one demo organization."""

    slug: str
    email: str
    name: str
    role: Role


MEMBERS = (
    Member("acme", "alice@example.com", "Alice Admin", Role.ADMIN),
    Member("acme", "bob@example.com", "Bob Viewer", Role.VIEWER),
    Member("globex", "carol@example.com", "Carol Admin", Role.ADMIN),
    Member("globex", "dave@example.com", "Dave Viewer", Role.VIEWER),
)
SUPER_ADMIN_EMAIL = "sam@example.com"


@dataclass(frozen=True)
class SignIn:
    """A line of `.local/demo.json`."""

    url: str
    email: str
    password: str
    note: str


def taken_addresses() -> list[str]:
    """Addresses of the demo that belong to real people here."""
    addresses = [SUPER_ADMIN_EMAIL, *(member.email for member in MEMBERS)]
    with door():
        found = User.objects.filter(email__in=addresses, is_demo=False)
        return [user.email for user in found]


def create_people(organizations: dict[str, Organization]) -> list[SignIn]:
    """The super admin, and two members of each organization (by slug)."""
    sign_ins = [_create_super_admin()]
    for member in MEMBERS:
        organization = organizations[member.slug]
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        add_member(
            organization,
            email=member.email,
            role=member.role,
            password=password,
            name=member.name,
            is_demo=True,
        )
        note = f"{Role(member.role).label.lower()} of {organization.name}"
        sign_ins.append(SignIn(organization.base_url, member.email, password, note))
    return sign_ins


def _create_super_admin() -> SignIn:
    created = create_super_admin(email=SUPER_ADMIN_EMAIL, name="Sam Operator", is_demo=True)
    secret = parse_qs(urlsplit(created.totp_uri).query)["secret"][0]
    note = (
        f"super admin, authenticator key {secret}; the code of the moment:"
        f" .venv/bin/python manage.py totp_code --email {SUPER_ADMIN_EMAIL}"
    )
    return SignIn(settings.PUBLIC_BASE_URL, SUPER_ADMIN_EMAIL, created.password, note)


def remove_people() -> int:
    """Everyone the demo brought, with their sessions; how many."""
    with platform():
        people = User.objects.filter(is_demo=True)
        count = people.count()
        people.delete()
    return count


def write_sign_ins(sign_ins: list[SignIn], file: Path) -> None:
    """For `make run`, which shows it, and for people who look for a password later."""
    lines = [asdict(sign_in) for sign_in in sign_ins]
    write_private(file, json.dumps(lines, indent=2) + "\n")
