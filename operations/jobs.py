"""The job queue: four workers in one process, as two logins.

Ordinary jobs run as the runtime login, in the role of the platform; so do backups and their proofs,
which last, and outgoing webhooks, which wait for others, each from a queue of their own; jobs that
make or drop schemas run from a fourth one as the owner. The queue is polled each second:
Procrastinate's notification on insert is dropped, because it slows every commit down.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from django.db import connections
from procrastinate import App, JobContext
from procrastinate.contrib.django.utils import connector_params
from procrastinate.middleware import AsyncCallNext
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker

from audit.circumstances import circumstances
from config.metrics import JOBS
from config.middleware import request_id
from notices.emitting import QUEUE as NOTICES_QUEUE
from operations.backups.schedule import BACKUP_QUEUE
from tenants.db.grants import OWNER_QUEUE
from tenants.db.roles import role_name

logger = logging.getLogger(__name__)

POLLING_SECONDS = 1.0
SHUTDOWN_SECONDS = 8
CONCURRENCY = 4
# One backup and one proof last; what comes meanwhile looks, and ends at once.
BACKUP_CONCURRENCY = 3
# Sending waits for receivers, up to 15 seconds each; it has workers of its own.
SENDING_CONCURRENCY = 8


def _connector(alias: str, role: str | None) -> PsycopgConnector:
    parameters = connector_params(alias)
    if role is not None:
        database = str(connections[alias].settings_dict["NAME"])
        parameters["options"] += f" -c role={role_name(database, role)}"
    return PsycopgConnector(kwargs=parameters, min_size=1, max_size=SENDING_CONCURRENCY + 2)


async def _counted(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    """Count each job by how it ended; its records and audit entries carry one reference."""
    outcome, reference = "failed", uuid4().hex
    token = request_id.set(reference)
    try:
        with circumstances(request_id=reference):
            result = await call_next()
        outcome = "succeeded"
    except Exception:
        logger.exception("job failed", extra={"task": context.job.task_name})
        raise
    finally:
        request_id.reset(token)
        JOBS.labels(context.job.task_name, outcome).inc()
    return result


async def _work(app: App, connector: PsycopgConnector, **options: Any) -> None:
    # Only a copy of the app talks through this connector: jobs themselves enqueue through Django.
    working: App = app.with_connector(connector)
    async with working.open_async():
        await working.run_worker_async(
            fetch_job_polling_interval=POLLING_SECONDS,
            listen_notify=False,
            delete_jobs="successful",
            install_signal_handlers=False,  # each would replace the other's; see _until_stopped
            shutdown_graceful_timeout=SHUTDOWN_SECONDS,
            worker_middleware=[_counted],
            **options,
        )


async def _work_on_all(app: App, *, with_owner: bool) -> None:
    workers = [
        _work(
            app,
            _connector("default", "platform"),
            name="jobs",
            queues=["default"],
            concurrency=CONCURRENCY,
        ),
        _work(
            app,
            _connector("default", "platform"),
            name="backups",
            queues=[BACKUP_QUEUE],
            concurrency=BACKUP_CONCURRENCY,
        ),
        _work(
            app,
            _connector("default", "platform"),
            name="notices",
            queues=[NOTICES_QUEUE],
            concurrency=SENDING_CONCURRENCY,
        ),
    ]
    if with_owner:
        workers.append(
            _work(app, _connector("owner", None), name="owner", queues=[OWNER_QUEUE], concurrency=1)
        )
    # Each job takes a thread. By default there are as many as processors and four, so that slow
    # receivers would hold all other jobs up.
    threads = ThreadPoolExecutor(CONCURRENCY + BACKUP_CONCURRENCY + SENDING_CONCURRENCY + 1)
    asyncio.get_running_loop().set_default_executor(threads)
    await _until_stopped([asyncio.create_task(worker) for worker in workers])


async def _until_stopped(tasks: list[asyncio.Task[None]]) -> None:
    """Until SIGTERM or SIGINT, which let running jobs finish; or until one worker fails."""

    is_stopping = asyncio.Event()

    def stop() -> None:
        """Once: a second cancellation would cut short what the first lets come to its end."""
        if not is_stopping.is_set():
            is_stopping.set()
            for task in tasks:
                task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()


def run_workers(app: App, *, with_owner: bool) -> None:
    """Work until SIGTERM or SIGINT; running jobs are finished first."""
    asyncio.run(_work_on_all(app, with_owner=with_owner))
