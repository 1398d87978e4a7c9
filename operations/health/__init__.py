"""How the running product is: each module measures one subject and says it in a sentence.

`/health/ready`, `deploy_check`, the system page and the readiness page show the same measurements;
none of them decides anew what well means.
"""

from collections.abc import Callable

from operations.health import cache, database, host, roles, work
from operations.health.measurement import Measurement

__all__ = ["MEASUREMENTS", "Measurement"]

# First what needs no database, so that it is known although that does not answer.
MEASUREMENTS: dict[str, Callable[[], Measurement]] = {
    "disk": host.disk,
    "redis": cache.redis,
    "live": cache.live,
    "database": database.database,
    "durability": database.durability,
    "migrations": database.migrations,
    "roles": roles.roles,
    "worker": work.worker,
    "scheduler": work.scheduler,
    "queue": work.queue,
    "deliveries": work.deliveries,
    "clock": host.clock,
}
