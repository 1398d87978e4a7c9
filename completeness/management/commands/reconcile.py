"""Compare one organization's calls with Retell's list, now, and wait for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.forms import Form
from django.utils import timezone

from audit.circumstances import circumstances, command_actor
from completeness import jobs as completeness_jobs
from completeness import tasks
from completeness.forms import HistoryForm, RangeForm
from completeness.models import Run, RunState
from config.commands import JsonCommand
from jobs import actions as jobs
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

COUNTS = ("listed", "inserted", "corrected", "closed", "transcripts", "unreadable")


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone


class Command(JsonCommand):
    help = "Compare calls with Retell's list and bring what is missing; exits 1 when it failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--from", dest="first_day", type=_day, help="first day, YYYY-MM-DD")
        parser.add_argument("--to", dest="last_day", type=_day, help="last day, included")
        parser.add_argument("--months", type=int, help="history of so many months")
        self.add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with platform():
            organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization with the slug “{options['slug']}”.")
        with timezone.override(organization.zone):
            _refuse_nonsense(options)
        with (
            circumstances(actor=command_actor("reconcile")),
            organization_context(organization),
        ):
            run = _compare(organization, options)
        self._tell(run, as_json=options["json"])

    def _tell(self, run: Run | None, *, as_json: bool) -> None:
        if run is None:
            raise CommandError(tasks.NOT_CONNECTED)
        counts = {name: getattr(run, name) for name in COUNTS}
        if as_json:
            self.answer({"state": run.state, "problem": run.problem, **counts})
        else:
            text = ", ".join(f"{number:,} {name}" for name, number in counts.items())
            self.stdout.write(f"{run.status.label}: {text}.")
        if run.state != RunState.DONE:
            raise CommandError(run.problem or "It was not finished.")


def _refuse_nonsense(options: dict[str, Any]) -> None:
    """As the page does; half of a range, or a range and months, could mean too much."""
    first, last, months = options["first_day"], options["last_day"], options["months"]
    if bool(first) != bool(last):
        raise CommandError("Give both --from and --to, or neither. Nothing was done.")
    if first and months is not None:
        raise CommandError("Give days or --months, not both. Nothing was done.")
    form: Form = HistoryForm({"months": 1 if months is None else months})
    if first:
        form = RangeForm({"first_day": first, "last_day": last})
    if not form.is_valid():
        reasons = " ".join(
            f"{form[name].label}: {reason}"
            for name, errors in form.errors.items()
            for reason in errors
        )
        raise CommandError(f"{reasons} Nothing was done.")


def _compare(organization: Organization, options: dict[str, Any]) -> Run | None:
    if options["months"]:
        job = completeness_jobs.fetch_history(organization, months=options["months"])
    elif options["first_day"]:
        job = completeness_jobs.compare_range(
            organization, first_day=options["first_day"], last_day=options["last_day"]
        )
    else:
        return tasks.compare_one(organization)
    jobs.run(organization, job.pk)
    return Run.objects.filter(job_id=job.pk).first()
