"""`manage.py demo_retell`: a made-up Retell for the demo organizations, until told to stop."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations.demo import kept
from operations.demo.retell_api import Shelf, ShelvedRetell

NOWHERE = "DEMO_RETELL_BASE_URL is not set; `make run` sets it. Nothing was started."


class Command(BaseCommand):
    help = "Answers as Retell for the demo organizations, on this machine only; ends on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        port = urlsplit(settings.DEMO_RETELL_BASE_URL).port
        if port is None:
            raise CommandError(NOWHERE)
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGINT, _end)
        with Shelf(kept.FILE) as shelf, ShelvedRetell(shelf, port) as server:
            server.serve_forever()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
