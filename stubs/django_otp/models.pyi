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
    @classmethod
    def from_persistent_id(cls, persistent_id: str, for_verify: bool = False) -> Device | None: ...

class ThrottlingMixin(models.Model):
    throttling_failure_timestamp = models.DateTimeField(null=True)
    throttling_failure_count = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    def throttle_reset(self, commit: bool = True) -> None: ...
    def throttle_increment(self, commit: bool = True) -> None: ...
    def verify_is_allowed(self) -> tuple[bool, dict[str, object] | None]: ...
