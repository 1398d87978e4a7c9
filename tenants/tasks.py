"""Jobs that need the owner login: making schemas, and letting go of deleted ones."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django import app

from tenants import provisioning
from tenants.db.grants import OWNER_QUEUE


@app.task(queue=OWNER_QUEUE, name="tenants.provision", retry=3)
def provision(organization_id: str) -> None:
    provisioning.provision(UUID(organization_id))


@app.periodic(cron="17 3 * * *")
@app.task(queue=OWNER_QUEUE, name="tenants.purge_deleted", queueing_lock="tenants.purge_deleted")
def purge_deleted(timestamp: int) -> None:
    """Daily: dumps whose deletion can no longer be undone."""
    provisioning.purge_deleted()
