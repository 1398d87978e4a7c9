"""What the layers below say needs attention; registered in `analytics.apps`."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.roles import Right
from agents import guardian
from agents.guardian import Finding
from analytics.attention import Item
from calls.models import RetellAlert
from completeness import presentation as completeness
from config.templatetags.formats import moment
from jobs import kinds
from jobs.models import Job, JobState

MOST_FINDINGS = 3
MOST_ALERTS = 3
FAILED_WITHIN = timedelta(days=7)


def findings(rights: frozenset[Right]) -> list[Item]:
    """The worst ones by name, the others as a number."""
    found = [finding for finding in guardian.findings() if finding.needs_attention]
    shown = [_finding(finding, rights) for finding in found[:MOST_FINDINGS]]
    if more := len(found) - len(shown):
        title = ngettext("%(count)s more finding", "%(count)s more findings", more)
        reason = _("In agents, or in the connection with Retell.")
        shown.append(
            Item("warn", "bot", title % {"count": f"{more:,}"}, reason, reverse("agents:list"),
                 _("See all"))
        )  # fmt: skip
    return shown


def _finding(finding: Finding, rights: frozenset[Right]) -> Item:
    tone = finding.severity.tone
    manages = Right.MANAGE_RETELL in rights
    if finding.agent is None:
        place = "retell:connection" if manages else "agents:list"
        return Item(tone, "plug", _("Retell"), finding.title, reverse(place), _("Open"))
    if finding.is_fixable and manages:
        url = reverse("agents:set_webhook", args=[finding.agent.pk])
        return Item(tone, "webhook", finding.subject, finding.title, url, _("Fix"))
    url = finding.agent.get_absolute_url()
    return Item(tone, "bot", finding.subject, finding.title, url, _("Open"))


def gaps(rights: frozenset[Right]) -> list[Item]:
    status = completeness.status()
    never_compared = status.until is None
    if not status.has_gap or (never_compared and not status.problem):
        return []
    url = reverse("completeness:overview")
    if status.is_late:
        title = (
            _("Calls may be missing since %(time)s") % {"time": moment(status.until)}
            if status.until
            else _("Calls may be missing")
        )
        reason = status.problem or _("They were not compared with Retell's list for too long.")
        return [Item("bad", "list-checks", title, reason, url, _("Look"))]
    title = ngettext("%(count)s call is missing", "%(count)s calls are missing", status.open_gaps)
    reason = _("Retell lists them, and they could not be brought.")
    return [
        Item("bad", "list-checks", title % {"count": f"{status.open_gaps:,}"}, reason, url,
             _("Look"))
    ]  # fmt: skip


def alerts(rights: frozenset[Right]) -> list[Item]:
    """Incidents that Retell opened and did not close."""
    is_open = Q(is_resolved=False, resolved_at=None)
    return [
        Item(
            "warn",
            "bell",
            alert.name or _("Alert"),
            _("Retell's alert, open since %(time)s.")
            % {"time": moment(alert.triggered_at or alert.first_seen_at)},
            reverse("webhooks:alert_list"),
            _("See alerts"),
        )
        for alert in RetellAlert.objects.filter(is_open)[:MOST_ALERTS]
    ]


def failed_jobs(rights: frozenset[Right]) -> list[Item]:
    """Those of the last days that no later one of their kind made good."""
    made_good = Job.objects.filter(
        kind=OuterRef("kind"), state=JobState.DONE, id__gt=OuterRef("id")
    )
    recent = Job.objects.of_kinds(kinds.visible_to(rights)).filter(
        ~Exists(made_good),
        state=JobState.FAILED,
        created_at__gte=timezone.now() - FAILED_WITHIN,
    )
    job = recent.first()
    if job is None:
        return []
    reason = job.message or _("It failed and said nothing of why.")
    return [Item("bad", "loader", job.title, reason, job.get_absolute_url(), _("See the job"))]
