"""Apply stored deliveries again that match a filter; the same job as the page starts."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.circumstances import circumstances, command_actor
from config.commands import JsonCommand
from jobs import actions as jobs
from jobs.models import Job, JobState
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform
from webhooks import replaying
from webhooks.filters import DeliveryFilter
from webhooks.models import Delivery

POLL_SECONDS = 0.5
SOME_UNAPPLIED = 3
# Options that are filters of the delivery log's page, by their names there.
FILTERS = {
    "state": ("verdict", "applied, quarantined, failed, ignored, stored, duplicate"),
    "reason": ("reason", "a code such as not_json"),
    "event": ("event", "such as call_analyzed"),
    "call": ("q", "a call id or its beginning"),
    "agent": ("agent", "an agent, by the id in its page's address"),
    "since": ("received_after", "received from 2026-11-23T14:00 on, the organization's time"),
    "until": ("received_before", "received before that"),
    "min-attempts": ("min_attempts", "tried at least so often"),
    "min-duplicates": ("min_duplicates", "received again at least so often"),
}


class Command(JsonCommand):
    help = (
        "Apply the stored deliveries again that match all options given. Applying one twice changes"
        " nothing twice. Exits with 0, with 1 and a sentence when nothing was done or it stopped,"
        f" and with {SOME_UNAPPLIED} when some could not be applied."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        for option, (_, text) in FILTERS.items():
            parser.add_argument(f"--{option}", dest=option, help=text)
        parser.add_argument("--dry-run", action="store_true", help="Only count what matches.")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with platform():
            organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(
                f"There is no organization with the slug “{options['organization']}”."
            )
        with organization_context(organization):
            selection = self._selection(organization, options)
            if options["dry_run"]:
                self._say(options, {"matching": selection.deliveries.count()})
                return
            with circumstances(actor=command_actor("replay_deliveries")):
                job = replaying.start(organization, selection)
            self._finish(organization, job)
        problem = {} if job.state == JobState.DONE else {"problem": job.message}
        self._say(options, {"state": job.state, "applied_again": job.done, **job.counts, **problem})
        if job.state != JobState.DONE:
            raise CommandError(job.message)
        if replaying.unapplied(job):
            raise CommandError(job.message, returncode=SOME_UNAPPLIED)

    def _selection(
        self, organization: Organization, options: dict[str, Any]
    ) -> replaying.Selection:
        given = {option: options[option] for option in FILTERS if options[option] is not None}
        if empty := [option for option, value in given.items() if not value.strip()]:
            # An empty variable of the shell would mean everything.
            raise CommandError(f"--{empty[0]} is empty. Nothing was done.")
        data = {FILTERS[option][0]: value for option, value in given.items()}
        filters = DeliveryFilter(data, Delivery.objects.for_list(), zone=organization.zone)
        if wrong := filters.form.ignored(data):
            raise CommandError(f"{wrong[0].replace(' and was ignored', '')} Nothing was done.")
        return replaying.select(organization, filters)

    def _finish(self, organization: Organization, job: Job) -> None:
        """Here, unless a worker was quicker; then this waits for it."""
        jobs.run(organization, job.pk)
        job.refresh_from_db()
        while job.is_open:
            time.sleep(POLL_SECONDS)
            job.refresh_from_db()

    def _say(self, options: dict[str, Any], result: dict[str, Any]) -> None:
        if options["json"]:
            self.answer(result)
        else:
            self.stdout.write(", ".join(f"{name}: {value}" for name, value in result.items()))
