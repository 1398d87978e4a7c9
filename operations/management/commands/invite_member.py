"""Invite somebody into an organization by script."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.invitations import invite
from accounts.exceptions import AccountError
from accounts.models import Role
from tenants.models import Organization
from tenants.scope import platform

ROLES = {"admin": Role.ADMIN, "viewer": Role.VIEWER}


class Command(BaseCommand):
    help = "Invite somebody into an organization: print the link, and mail it if mail is set up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=sorted(ROLES))

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["organization"]
        with platform():
            organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug “{slug}”.")
        try:
            invitation = invite(
                organization, email=options["email"], role=ROLES[options["role"]], invited_by=""
            )
        except AccountError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(invitation.link)
