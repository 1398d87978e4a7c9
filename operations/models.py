"""What operators decide for the whole installation. Shared tables, in schema `public`."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


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
