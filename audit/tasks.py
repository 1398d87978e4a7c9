"""The daily look at the chains."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import close_old_connections, transaction
from procrastinate.contrib.django import app

from audit.models import chain_name
from audit.verification import Verification, chains
from tenants.scope import platform

logger = logging.getLogger(__name__)


@app.periodic(cron="27 4 * * *")
@app.task(name="audit.verify_chains", queueing_lock="audit.verify_chains")
def verify_chains(timestamp: int) -> None:
    """Daily: whether any chain of the audit log was tampered with; `verify_audit` says where.

    Raises `RuntimeError` at the end when one was, so that the job shows as failed.
    """
    close_old_connections()
    broken = 0
    with platform():
        for organization_id in chains():
            broken += not _holds(organization_id)
    if broken:
        raise RuntimeError(
            f"{broken} chains of the audit log were tampered with; run manage.py verify_audit."
        )


def _holds(organization_id: UUID | None) -> bool:
    found = Verification(organization_id)
    with transaction.atomic():
        # The sentences name people and things, which belong into no log.
        places = [place.sequence for place in found.breaks()]
    if places:
        extra = {"chain": chain_name(organization_id), "first": places[0], "breaks": len(places)}
        logger.error("a chain of the audit log was tampered with", extra=extra)
    return found.holds
