"""What operators decide for the whole installation. Shared tables, in schema `public`."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from operations.backups.models import Backup as Backup
from operations.readiness.models import ReadinessAssessment as ReadinessAssessment
from operations.readiness.models import SignOff as SignOff
from tenants.models import Organization


class AllowedNetwork(models.Model):
    """A network whose people reach the operator host. No rows: everyone does.

    Written by `operations.allow_list` only, which also keeps `cidr` in its one normal form.
    """

    cidr = models.CharField(
        "network",
        max_length=43,
        unique=True,
        error_messages={"unique": "This network is on the list already."},
    )
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, blank=True, default="", editable=False)

    class Meta:
        ordering = ("cidr",)

    def __str__(self) -> str:
        return self.cidr


class UsageDay(models.Model):
    """What the calls of one organization came to on one day of its own clock.

    Measured from its sums (`analytics.rollup`) by `operations.measuring`, so that the operator's
    pages enter no schema; a few minutes old.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="usage", db_index=False
    )
    day = models.DateField()
    calls = models.BigIntegerField()
    test_calls = models.BigIntegerField()
    duration_ms = models.BigIntegerField()
    cost_cents = models.DecimalField(max_digits=30, decimal_places=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "day"], name="usage_day_unique")
        ]

    def __str__(self) -> str:
        return f"{self.day}"

    @property
    def figures(self) -> tuple[int, int, int, Decimal]:
        return (self.calls, self.test_calls, self.duration_ms, self.cost_cents)


class HealthLevel(models.TextChoices):
    """How an organization does, the worst thing that is known of it."""

    BAD = "bad", _("Action needed")
    WARN = "warn", _("Look at it")
    OK = "ok", _("Well")
    IDLE = "idle", _("Not connected")

    @property
    def tone(self) -> str:
        return "mute" if self is HealthLevel.IDLE else self.value


class OrganizationHealth(models.Model):
    """How one organization did when it was measured last; "today" is on its own clock."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="health"
    )
    measured_at = models.DateTimeField()
    level = models.CharField(max_length=4, choices=HealthLevel.choices)
    last_event_at = models.DateTimeField(null=True)
    is_connected = models.BooleanField()
    complete_until = models.DateTimeField(null=True)
    has_gap = models.BooleanField()
    # Deliveries of today: all, and those that were not applied.
    received = models.IntegerField(db_default=0)
    quarantined = models.IntegerField()
    failed = models.IntegerField()
    refused = models.IntegerField()
    # Of the guardian: how many need attention, and the tone of the worst.
    findings = models.IntegerField()
    findings_tone = models.CharField(max_length=4, blank=True)
    # Deliveries of any day that stand so now: in quarantine; stored and not applied.
    in_quarantine = models.IntegerField(db_default=0)
    unapplied = models.IntegerField(db_default=0)
    # When the oldest of the unapplied came, and since when the most overdue should be tried again.
    unapplied_since = models.DateTimeField(null=True)
    overdue_since = models.DateTimeField(null=True)
    # Of its schema, with indexes.
    size_bytes = models.BigIntegerField(db_default=0)

    def __str__(self) -> str:
        return self.level

    @property
    def state(self) -> HealthLevel:
        return HealthLevel(self.level)

    @property
    def errors(self) -> int:
        return self.quarantined + self.failed + self.refused

    @property
    def not_applied(self) -> int:
        """Deliveries of any day that wait for somebody, or for another try."""
        return self.in_quarantine + self.unapplied

    @property
    def taken_share(self) -> float | None:
        """Of what came today, what was applied or kept as it should; None when nothing came."""
        came = self.received + self.refused
        return 1 - self.errors / came if came else None
