from collections.abc import Iterator

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from .models import Device

DEVICE_ID_SESSION_KEY: str

def login(request: HttpRequest, device: Device) -> None: ...
def verify_token(user: AbstractBaseUser, device_id: str, token: str) -> Device | None: ...
def devices_for_user(
    user: AbstractBaseUser, confirmed: bool | None = True, for_verify: bool = False
) -> Iterator[Device]: ...
def user_has_device(user: AbstractBaseUser, confirmed: bool | None = True) -> bool: ...
