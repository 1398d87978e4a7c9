"""`manage.py demo_feed`: live calls for the demo organizations, until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from operations.demo import kept
from operations.demo.feeding import LOST_SHARE, Feed, Line
from operations.demo.lines import find_lines
from operations.demo.retell_api import Shelf
from operations.local.folders import Folders

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Posts the signed webhooks of live calls to the demo organizations; ends on SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, default=6.0, help="seconds between two calls")
        parser.add_argument(
            "--lose",
            type=float,
            default=LOST_SHARE,
            help="share of calls whose webhooks are lost on purpose, for a comparison to find",
        )

    def handle(self, *args: Any, every: float, lose: float, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGINT, _end)
        unsent = Folders.for_run().local / "demo-feed.json"
        feed = Feed(
            _find_lines_if_possible,
            port=settings.PORT,
            seconds_between_calls=every,
            shelf=Shelf(kept.FILE) if settings.DEMO_RETELL_BASE_URL else None,
            lost_share=lose,
        )
        feed.restore(unsent)
        try:
            feed.run()
        finally:
            feed.save(unsent)


def _find_lines_if_possible() -> list[Line] | None:
    try:
        return find_lines()
    except DatabaseError:
        logger.warning("the database does not answer; the demo feed goes on with what it knows")
        return None
    finally:
        connections.close_all()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
