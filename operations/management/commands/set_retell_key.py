"""Give an organization its Retell key, or exchange it."""

from __future__ import annotations

import getpass
import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.connection import keys
from agents.connection.actions import api_key, signing_key
from agents.connection.actions.signing_key import PREVIOUS_KEY_VALID_DAYS
from agents.connection.exceptions import Refused, RetellKeyError
from agents.models import RetellConnection
from operations.management.commands._organization import OrganizationCommand
from tenants.models import Organization
from tenants.pin import organization_context


class Command(OrganizationCommand):
    help = (
        "Store a Retell key: it asks Retell and, if it has the webhook badge, verifies webhooks."
        " The signing key before it stays valid a week."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--retell-api-key", default="", help="Asked for when not given, so no shell keeps it."
        )
        only = parser.add_mutually_exclusive_group()
        only.add_argument(
            "--api-key-only", action="store_true", help="Another key has the webhook badge."
        )
        only.add_argument(
            "--signing-key-only", action="store_true", help="It verifies webhooks, nothing else."
        )
        parser.add_argument(
            "--no-check",
            action="store_true",
            help="Do not ask Retell. The key is not used to ask it before somebody checks it.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def change(self, organization: Organization, **options: Any) -> str:
        key = options["retell_api_key"] or getpass.getpass("Retell API key: ")
        try:
            with organization_context(organization):
                row = self._store(organization, key, **options)
        except RetellKeyError as error:
            hint = " Or store it unchecked: --no-check." if error.why is Refused.UNREACHABLE else ""
            raise CommandError(f"{error}{hint}") from error
        return json.dumps(_as_json(organization, row)) if options["json"] else _sentence(row)

    def _store(self, organization: Organization, key: str, **options: Any) -> RetellConnection:
        signs = not options["api_key_only"]
        if options["signing_key_only"]:
            return signing_key.set_signing_key(organization.pk, key)
        if not options["no_check"]:
            workspace = keys.check_key(key, organization.pk)
            return api_key.connect(organization.pk, key, workspace, signs_webhooks=signs)
        return api_key.store_unchecked(organization.pk, key, signs_webhooks=signs)


def _as_json(organization: Organization, row: RetellConnection) -> dict[str, Any]:
    expires_at = row.previous_key_expires_at
    return {
        "organization": organization.slug,
        "signing_key_ends_in": row.key_last4,
        "old_signing_key_ends_in": row.previous_key_last4,
        "old_signing_key_works_until": expires_at and expires_at.isoformat(),
        "api_key_ends_in": row.api_key_last4,
        "api_key_state": row.api_key_state,
        "workspace": row.workspace_name,
        "workspace_id": row.workspace_id,
    }


def _sentence(row: RetellConnection) -> str:
    parts = []
    if row.has_api_key:
        whose = row.workspace_name or row.workspace_id or "a workspace not known yet"
        parts.append(f"The API key ending in {row.api_key_last4} asks Retell ({whose}).")
    if row.key_last4:
        parts.append(f"Webhooks are verified with the key ending in {row.key_last4}.")
    if row.previous_key_last4:
        parts.append(
            f"The one before it, ending in {row.previous_key_last4}, is accepted for"
            f" {PREVIOUS_KEY_VALID_DAYS} days after the exchange."
        )
    return " ".join(parts)
