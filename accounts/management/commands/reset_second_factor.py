"""Let somebody in again who lost every second factor."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.factors import reset_factors
from accounts.models import User, normalize_email
from audit.circumstances import Actor, circumstances
from tenants.scope import door

NAME = "manage.py reset_second_factor"


class Command(BaseCommand):
    help = "Remove every second factor of a person and end all their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        address = normalize_email(options["email"])
        with door():
            user = User.objects.filter(email=address).first()
        if user is None:
            raise CommandError(f"There is nobody with the address {address}. Nothing was changed.")
        with circumstances(actor=Actor(NAME)):
            uri = reset_factors(user)
        self.stdout.write(f"All second factors of {address} were removed, all sessions ended.")
        if uri:
            self.stdout.write(f"totp_uri: {uri}")
            self.stdout.write("It is shown once. Add the URI to an authenticator app now.")
        else:
            self.stdout.write("The password alone lets them in; they are told by mail.")
