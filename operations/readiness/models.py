"""What was measured and signed off. Shared tables, in schema `public`."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class SignOff(models.Model):
    """A super admin's word for an item of the readiness page that nothing can measure.

    Rows stay; the newest of a code counts, until it expires or is taken back.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=60)
    note = models.CharField(max_length=500)
    # As in the audit log: the person may be gone, the word stays.
    signed_by_id = models.UUIDField()
    signed_by_label = models.CharField(max_length=254)
    signed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["code", "-id"], name="sign_off_newest")]

    def __str__(self) -> str:
        return self.code


class ReadinessAssessment(models.Model):
    """One measurement of every item of the readiness page, asked for or nightly."""

    id = models.BigAutoField(primary_key=True)
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.CharField(max_length=254, blank=True)
    finished_at = models.DateTimeField(null=True)
    # In percent, as it was then: with the signatures that counted.
    score = models.SmallIntegerField(null=True)
    scores = models.JSONField(default=dict)
    # By code: {"is_well": …, "found": …, "fix": …}
    measured = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.requested_at:%F %T}"
