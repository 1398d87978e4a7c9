from django.db import models
from django_otp.models import Device

class TOTPDevice(Device):
    key = models.CharField(max_length=80)
    step = models.PositiveSmallIntegerField(default=30)
    t0 = models.BigIntegerField(default=0)
    digits = models.PositiveSmallIntegerField(default=6)
    drift = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    @property
    def bin_key(self) -> bytes: ...
    @property
    def config_url(self) -> str: ...
