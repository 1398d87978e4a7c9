"""Recovery codes, for people who lost their other factor."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin

from tenants.models import hash_token


class RecoveryCodes(ThrottlingMixin, Device):
    """A sheet of codes for somebody who lost their other factor. Each works once.

    Unlike django-otp's static devices it keeps hashes only: a code has 80 random bits, so a plain
    SHA-256 is enough.
    """

    class Meta:
        verbose_name = "sheet of recovery codes"
        verbose_name_plural = "sheets of recovery codes"

    def verify_token(self, token: str) -> bool:
        """Whether this is one of the unused codes; it is used up then."""
        allowed, _ = self.verify_is_allowed()
        if not allowed:
            return False
        code = hash_token(normalize_recovery_code(token))
        used = self.codes.filter(code_sha256=code, used_at=None).update(used_at=timezone.now())
        if used:
            self.throttle_reset()
        else:
            self.throttle_increment()
        return bool(used)

    def get_throttle_factor(self) -> float:
        return 1.0


def normalize_recovery_code(text: str) -> str:
    """As stored: capitals and digits, whatever separates the groups."""
    return "".join(character for character in text.upper() if character.isalnum())


class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryCodes, on_delete=models.CASCADE, related_name="codes")
    code_sha256 = models.BinaryField(max_length=32, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("device", "code_sha256"), name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"A recovery code of {self.device_id}"
