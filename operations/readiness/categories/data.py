"""Whether calls are kept, complete, and could be brought back."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from operations.backups import schedule
from operations.backups.querysets import latest_backup, latest_proven
from operations.health import MEASUREMENTS, Measurement
from operations.health.measurement import span
from operations.models import OrganizationHealth
from operations.readiness.vocabulary import Category, Item, Phase
from tenants.models import Organization, OrganizationStatus
from tenants.scope import platform

PROOF_AGE = timedelta(days=2)

BACKUP_FIX = (
    "Run `manage.py backup`; what keeps the nightly one from it stands on the page Backups."
)
PROOF_FIX = "Run `manage.py verify_backup --latest`; a backup that was never restored is a hope."


def backup_fresh() -> Measurement:
    backup = latest_backup()
    if backup is None or backup.snapshot_at is None:
        return Measurement("backup-fresh", False, "There is no backup yet.", BACKUP_FIX)
    now = timezone.now()
    age = span((now - backup.snapshot_at).total_seconds())
    found = f"The newest backup holds everything up to {age} ago."
    is_fresh = not schedule.is_late(backup.snapshot_at, now)
    return Measurement("backup-fresh", is_fresh, found, BACKUP_FIX)


def backup_proven() -> Measurement:
    backup = latest_proven()
    if backup is None or backup.proven_at is None:
        return Measurement("backup-proven", False, "No backup was ever restored.", PROOF_FIX)
    age = timezone.now() - backup.proven_at
    found = f"A backup was restored and compared {span(age.total_seconds())} ago."
    return Measurement("backup-proven", age <= PROOF_AGE, found, PROOF_FIX)


def backup_encrypted() -> Measurement:
    is_well = schedule.is_configured()
    return Measurement(
        "backup-encrypted",
        is_well,
        "Backups are encrypted; nothing writes one without a key."
        if is_well
        else "BACKUP_KEY or DATABASE_BACKUP_URL is not set, so no backup can be made.",
        "Set both; BACKUP_KEY is base64 of 32 random bytes, kept where the backups are not.",
    )


def completeness() -> Measurement:
    """Whether every organization's calls are known to be here, but for the last minutes."""
    with platform():
        gaps = OrganizationHealth.objects.filter(
            organization__status=OrganizationStatus.ACTIVE, has_gap=True
        ).count()
    return Measurement(
        "completeness",
        not gaps,
        f"Organizations whose calls may be missing: {gaps}."
        if gaps
        else "No organization has a gap that is known.",
        "Open each one's page Completeness; a key that lacks access is the usual cause.",
    )


def quarantine() -> Measurement:
    with platform():
        waiting = sum(OrganizationHealth.objects.values_list("in_quarantine", flat=True))
    return Measurement(
        "quarantine",
        not waiting,
        f"Deliveries in quarantine: {waiting}." if waiting else "No delivery is in quarantine.",
        "Read their reasons in the delivery log; after an update, apply them again.",
    )


def connections() -> Measurement:
    """Whether every active organization can be compared with Retell."""
    with platform():
        active = Organization.objects.filter(status=OrganizationStatus.ACTIVE)
        without = active.filter(health__is_connected=False).count()
    return Measurement(
        "connections",
        not without,
        f"Organizations without a key that can list calls: {without}."
        if without
        else "Every organization is compared with Retell.",
        "Store an API key on its page Retell: webhooks that Retell gave up on come back with it.",
    )


ITEMS = (
    Item(
        code="durability",
        category=Category.DATA,
        title=_("PostgreSQL forgets nothing"),
        why=_("With fsync off, calls that were acknowledged are lost in a crash."),
        is_essential=True,
        measure=MEASUREMENTS["durability"],
    ),
    Item(
        code="backup-fresh",
        category=Category.DATA,
        title=_("A backup was made within a day"),
        why=_("What happened since the newest one is lost with the database."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        is_essential=True,
        measure=backup_fresh,
    ),
    Item(
        code="backup-proven",
        category=Category.DATA,
        title=_("A backup was proven by restoring it"),
        why=_("Half a file looks like a backup, too."),
        phases=(Phase.PRE_LAUNCH, Phase.POST_LAUNCH),
        is_essential=True,
        measure=backup_proven,
    ),
    Item(
        code="backup-encrypted",
        category=Category.DATA,
        title=_("Backups are encrypted"),
        why=_("They hold every client's calls."),
        is_essential=True,
        measure=backup_encrypted,
    ),
    Item(
        code="backup-key-kept",
        category=Category.DATA,
        title=_("The backup key is kept elsewhere"),
        why=_("A key that burns with the host opens nothing."),
        fix=_(
            "Put BACKUP_KEY and ENCRYPTION_KEYS into your secret store, and open one from there."
        ),
        signed_days=180,
        is_essential=True,
    ),
    Item(
        code="restore-rehearsed",
        category=Category.DATA,
        title=_("Restoring was rehearsed on other hosts"),
        why=_("How long it takes is known only afterwards."),
        phases=(Phase.PRE_LAUNCH, Phase.POST_LAUNCH),
        fix=_("Follow docs/backup-and-recovery.md on an empty host, and note the time it took."),
        signed_days=180,
    ),
    Item(
        code="connections",
        category=Category.DATA,
        title=_("Every organization is compared with Retell"),
        why=_("Retell tries a webhook three times; what it gave up on comes back by comparing."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY),
        measure=connections,
    ),
    Item(
        code="completeness",
        category=Category.DATA,
        title=_("No calls are missing"),
        why=_("A number that lacks calls is wrong, however exact."),
        phases=(Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        is_essential=True,
        measure=completeness,
    ),
    Item(
        code="quarantine",
        category=Category.DATA,
        title=_("The quarantine is empty"),
        why=_("What is there was received and counts nowhere yet."),
        phases=(Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        measure=quarantine,
    ),
)
