from typing import TypeVar

from django.conf import settings
from django.db import models

_Device = TypeVar("_Device", bound=Device, covariant=True)

class DeviceManager(models.Manager[_Device]): ...

class Device(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=64)
    confirmed = models.BooleanField(default=True)
    # Of ThrottlingMixin, which every kind of device in use has; so is throttle_reset().
    throttling_failure_count = models.PositiveIntegerField(default=0)

    objects = DeviceManager()

    class Meta:
        abstract = True

    @property
    def persistent_id(self) -> str: ...
    def throttle_reset(self, commit: bool = True) -> None: ...
