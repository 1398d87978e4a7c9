"""What the commands about one organization share."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.circumstances import circumstances, command_actor
from tenants.exceptions import OrganizationError
from tenants.models import Organization
from tenants.scope import platform


class OrganizationCommand(BaseCommand):
    """A command about the organization named by its slug; errors are one sentence."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        with platform():
            organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug “{options['slug']}”.")
        name = type(self).__module__.rpartition(".")[2]
        try:
            with circumstances(actor=command_actor(name)):
                self.stdout.write(self.change(organization, **options))
        except OrganizationError as error:
            raise CommandError(str(error)) from error

    def change(self, organization: Organization, **options: Any) -> str:
        """Do it; the sentence that says what was done."""
        raise NotImplementedError
