"""What was tried before it had to work."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from operations.health import Measurement
from operations.models import OrganizationHealth
from operations.readiness.vocabulary import Category, Item, Phase
from tenants.models import Organization, OrganizationStatus
from tenants.scope import platform


def first_events() -> Measurement:
    """Whether every active organization has received a verified event of its own."""
    with platform():
        active = Organization.objects.filter(status=OrganizationStatus.ACTIVE, is_demo=False)
        waiting = active.exclude(
            pk__in=OrganizationHealth.objects.exclude(last_event_at=None).values("pk")
        ).count()
        total = active.count()
    if total and not waiting:
        found = f"Every active organization has received events ({total})."
        return Measurement("first-events", True, found)
    found = (
        f"Organizations that wait for their first event: {waiting}."
        if total
        else ("There is no organization yet besides the demo.")
    )
    fix = "Open each one's set-up from the list of organizations; it says what is missing."
    return Measurement("first-events", False, found, fix)


ITEMS = (
    Item(
        code="first-events",
        category=Category.TESTING,
        title=_("Every client's first event was verified"),
        why=_("Its key, URL and proxy are then known to work together."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY),
        is_essential=True,
        measure=first_events,
    ),
    Item(
        code="test-suite",
        category=Category.TESTING,
        title=_("`make check` passed for this version"),
        why=_("On a machine like these, with the real engines."),
        fix=_("Run it on a clean checkout of what is deployed, and note the version."),
        signed_days=90,
        is_essential=True,
    ),
    Item(
        code="chaos",
        category=Category.TESTING,
        title=_("`make chaos` lost nothing"),
        why=_("It kills and freezes every process and counts what was acknowledged."),
        fix=_("Run it on a host like these, and note its table."),
        signed_days=180,
    ),
    Item(
        code="rollback-rehearsed",
        category=Category.TESTING,
        title=_("Going back to the version before was tried"),
        why=_("The way back is needed when nothing else works."),
        fix=_("Follow docs/upgrading.md on a copy of this installation."),
        signed_days=180,
    ),
    Item(
        code="test-call",
        category=Category.TESTING,
        title=_("A real call came through on launch day"),
        why=_("From a telephone to the client's list of calls, with its recording and cost."),
        phases=(Phase.LAUNCH_DAY,),
        fix=_("Call one agent of each client, and look at the call with their admin."),
        signed_days=365,
    ),
)
