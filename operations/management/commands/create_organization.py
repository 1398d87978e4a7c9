"""Create an organization: schema, webhook URL, first admin's invitation."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.connection.exceptions import RetellKeyError
from audit.circumstances import circumstances, command_actor
from operations.organizations import NewOrganization, create_organization
from tenants.exceptions import OrganizationError


class Command(BaseCommand):
    help = "Create an organization and invite its first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--slug", required=True, help="acme in acme.switchboard.example.com")
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--retell-api-key", default="", help="The key with the webhook badge.")
        parser.add_argument("--time-zone", default="UTC", help="Such as Europe/London.")
        parser.add_argument(
            "--no-check", action="store_true", help="Do not ask Retell about the key."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with circumstances(actor=command_actor("create_organization")):
                created = create_organization(
                    name=options["name"],
                    slug=options["slug"],
                    admin_email=options["admin_email"],
                    retell_api_key=options["retell_api_key"],
                    time_zone=options["time_zone"],
                    check_key=not options["no_check"],
                )
        except (OrganizationError, RetellKeyError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(created.as_json()))
        else:
            self._explain(created)

    def _explain(self, created: NewOrganization) -> None:
        self.stdout.write(
            f"{created.organization.name} is ready at {created.organization.base_url}\n"
            f"Paste into Retell as webhook URL:\n  {created.endpoint.url}\n"
            f"Send to its first admin, works once:\n  {created.invitation_url}"
        )
        if created.retell_note:
            self.stderr.write(created.retell_note)
