"""What calls come to, added up: by quarter of an hour, and by day of the organization's clock.

Written by `analytics.rollup.adding` alone, and read by `analytics.rollup.reading`.
"""

from __future__ import annotations

from django.db import models

from calls.models import CENTS_PLACES


class AddedUp(models.Model):
    """Sums over the calls of one time that agree in their agent and in being billable."""

    id = models.BigAutoField(primary_key=True)
    agent_id = models.TextField(null=True)  # noqa: DJ001 - as the call's
    is_billable = models.BooleanField()
    calls = models.BigIntegerField()
    # Of the calls that have a duration, `duration_ms`; a latency, `latency_ms`; its p95, `p95_ms`.
    talked = models.BigIntegerField()
    duration_ms = models.BigIntegerField()
    timed = models.BigIntegerField()
    latency_ms = models.DecimalField(max_digits=24, decimal_places=2)
    timed_p95 = models.BigIntegerField()
    p95_ms = models.DecimalField(max_digits=30, decimal_places=10)
    cost_cents = models.DecimalField(max_digits=30, decimal_places=CENTS_PLACES)
    outcome_ongoing = models.BigIntegerField()
    outcome_successful = models.BigIntegerField()
    outcome_unsuccessful = models.BigIntegerField()
    outcome_ended = models.BigIntegerField()
    outcome_voicemail = models.BigIntegerField()
    outcome_not_connected = models.BigIntegerField()
    outcome_error = models.BigIntegerField()
    sentiment_positive = models.BigIntegerField()
    sentiment_neutral = models.BigIntegerField()
    sentiment_negative = models.BigIntegerField()
    sentiment_unknown = models.BigIntegerField()
    # Calls by disconnection reason and by band of duration; cents by product of the cost lines.
    reasons = models.JSONField()
    durations = models.JSONField()
    products = models.JSONField()

    class Meta:
        abstract = True


class Quarter(AddedUp):
    """The calls of a quarter of an hour, beginning at `at`: every zone's days begin with one."""

    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("at", name="quarter_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Day(AddedUp):
    """The calls of one day on the clock of `Standing.time_zone`; `at` is a moment within it."""

    day = models.DateField()
    at = models.DateTimeField()
    # Calls by the hour that the clock shows, 0 to 23.
    hours = models.JSONField()

    class Meta:
        indexes = [models.Index("day", name="day_day")]

    def __str__(self) -> str:
        return f"{self.day}"


class Standing(models.Model):
    """The one row that says that there are sums, and on whose clock the days are."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    time_zone = models.CharField(max_length=64)
    built_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.time_zone
