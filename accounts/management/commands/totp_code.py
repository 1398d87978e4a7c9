"""Print the current second-factor code of a person, in development."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import normalize_email
from tenants.scope import door


class Command(BaseCommand):
    help = "Print the current code of a person's authenticator. Development only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This command works in development only.")
        address = normalize_email(options["email"])
        with door():
            device = TOTPDevice.objects.filter(user__email=address, confirmed=True).first()
        if device is None:
            raise CommandError(f"{address} has no authenticator.")
        code = totp(device.bin_key, step=device.step, t0=device.t0, digits=device.digits)
        left = device.step - int(time.time() - device.t0) % device.step
        self.stdout.write(f"{code:0{device.digits}d}")
        self.stderr.write(f"valid for {left} more seconds, once")
