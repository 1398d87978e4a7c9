"""Work that periodic jobs do in every organization, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import close_old_connections

from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import platform

logger = logging.getLogger(__name__)


def for_each_organization(work: Callable[[Organization], object]) -> None:
    """Run `work` inside each organization that has a schema; one that fails stops no other.

    Raises `RuntimeError` at the end when any failed, so that the job shows as failed.
    """
    close_old_connections()
    with platform():
        organizations = list(Organization.objects.with_schema())
    failed = 0
    for organization in organizations:
        try:
            with organization_context(organization):
                work(organization)
        except Exception:
            failed += 1
            logger.exception("job failed", extra={"organization": organization.schema_name})
    if failed:
        raise RuntimeError(
            f"Failed in {failed} of {len(organizations)} organizations; see the log."
        )
