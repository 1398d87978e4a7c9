"""Give an organization the Retell key its webhooks are signed with, or exchange it."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.actions import PREVIOUS_KEY_VALID_DAYS, RetellKeyError, set_signing_key
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization
from tenants.pin import organization_context


class Command(OrganizationCommand):
    help = "Store the Retell API key with the webhook badge; the one before it stays valid a week."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--retell-api-key", default="", help="Asked for when not given, so no shell keeps it."
        )

    def change(self, organization: Organization, **options: Any) -> str:
        key = options["retell_api_key"] or getpass.getpass("Retell API key: ")
        try:
            with organization_context(organization):
                connection = set_signing_key(organization.pk, key)
        except RetellKeyError as error:
            raise CommandError(str(error)) from error
        return (
            f"{organization.name} takes webhooks signed with the key ending in"
            f" {connection.key_last4}. A key it had before is accepted for"
            f" {PREVIOUS_KEY_VALID_DAYS} more days."
        )
