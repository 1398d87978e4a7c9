"""What an organization can be told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Topic(models.TextChoices):
    """Codes are what receivers see: they never change."""

    CALL_FINAL = "call.final", _("A call is over and analysed, or was corrected after that")
    CALL_RECLASSIFIED = "call.reclassified", _("Somebody decided that a call is revenue or a test")
    DELIVERY_QUARANTINED = "delivery.quarantined", _("A webhook of Retell could not be read")
    EXPORT_READY = "export.ready", _("An export is ready to be downloaded")
    COMPLETENESS_GAP = "completeness.gap", _("Calls may be missing, or cannot be brought")

    @property
    def described(self) -> StrOrPromise:
        """As people choose it, with the code that their programs see."""
        return format_lazy("{label} ({code})", label=self.label, code=self.value)


# Sent by the test button, whatever a subscription wants.
TEST = "test"
TEST_DATA = {"text": gettext_noop("This is a test. Nothing happened.")}
