"""Read one organization's agents from Retell, now, and wait for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import guardian
from agents.api_access import open_api
from agents.retell import RetellApiError
from agents.sync import Outcome, sync
from agents.tasks import NOT_CONNECTED
from audit.circumstances import circumstances, command_actor
from config.commands import JsonCommand
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform


class Command(JsonCommand):
    help = "Read agents and their settings from Retell; exits 1 when it failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with platform():
            organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug “{options['slug']}”.")
        with (
            circumstances(actor=command_actor("sync_agents")),
            organization_context(organization),
        ):
            outcome = _sync(organization)
            found = guardian.findings(organization_id=organization.pk)
        self._tell(outcome, found, as_json=options["json"])

    def _tell(self, outcome: Outcome, found: list[guardian.Finding], *, as_json: bool) -> None:
        counts = asdict(outcome)
        if as_json:
            lines = [_line(finding) for finding in found]
            self.answer({**counts, "findings": lines})
            return
        self.stdout.write(", ".join(f"{number:,} {name}" for name, number in counts.items()) + ".")
        for finding in found:
            self.stdout.write(f"{finding.severity.label}: {finding.subject}: {finding.title}")


def _line(finding: guardian.Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "title": finding.title,
        "cost": finding.cost,
        "remedy": finding.remedy,
    }


def _sync(organization: Organization) -> Outcome:
    try:
        with open_api(organization) as api:
            if api is None:
                raise CommandError(NOT_CONNECTED)
            return sync(organization, api)
    except RetellApiError as error:
        raise CommandError(str(error)) from error
