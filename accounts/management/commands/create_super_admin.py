"""Create an operator: password and second factor are shown once."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import super_admins as actions
from accounts.exceptions import AccountError


class Command(BaseCommand):
    help = "Create a super admin with a generated password and a second factor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            created = actions.create_super_admin(email=options["email"], name=options["name"])
        except AccountError as error:
            raise CommandError(str(error)) from error
        values = {
            "email": created.user.email,
            "password": created.password,
            "totp_uri": created.totp_uri,
            "url": settings.PUBLIC_BASE_URL + "/",
        }
        if options["json"]:
            self.stdout.write(json.dumps(values))
        else:
            self.stdout.write("\n".join(f"{key}: {value}" for key, value in values.items()))
            self.stdout.write("Both are shown once. Add the URI to an authenticator app now.")
