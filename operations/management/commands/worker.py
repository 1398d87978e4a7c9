"""Run the jobs."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand
from procrastinate.contrib.django import procrastinate_app

from config import presence
from operations.jobs import run_workers
from tenants.db.durability import refuse_forgetful_database


class Command(BaseCommand):
    help = "Run jobs until stopped; schema jobs too where DATABASE_OWNER_URL is set."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_forgetful_database()
        presence.announce("worker")
        run_workers(
            procrastinate_app.current_app, with_owner=bool(os.environ.get("DATABASE_OWNER_URL"))
        )
