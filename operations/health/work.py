"""The worker and the scheduler live, jobs do not wait, deliveries are applied.

The worker writes into `procrastinate_workers` every ten seconds; a worker that was killed counts
as dead `WORKER_SILENT_SECONDS` later. The scheduler is the part of it that enqueues periodic jobs,
several each minute, each with the minute it was for in `procrastinate_periodic_defers`. One that
can enqueue nothing because its earlier jobs still wait counts as standing still, too.
"""

from __future__ import annotations

from django.db import connection

from operations.health.measurement import Measurement, asks_database, span

WORKER_SILENT_SECONDS = 45
SCHEDULER_SILENT_SECONDS = 180
QUEUE_SECONDS = 600
DELIVERY_OVERDUE_SECONDS = 900

WORKER_FIX = "Start the process `worker`, and look at the end of its log for why it ended."


def _seconds(statement: str) -> float | None:
    """What a statement answers as a number of seconds; None where there is no row to measure."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (value,) = cursor.fetchone() or (None,)
    return None if value is None else float(value)


def worker_silence() -> float | None:
    """Seconds since a worker last gave a sign; None when none is registered."""
    return _seconds(
        "SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers"
    )


def scheduler_silence() -> float | None:
    """Seconds since the minute for which a periodic job was last enqueued; None when never."""
    return _seconds(
        "SELECT extract(epoch FROM now()) - max(defer_timestamp) FROM procrastinate_periodic_defers"
    )


# A job without a time of its own is due from when it was enqueued.
_DUE = """
SELECT
    j.queue_name, count(*),
    extract(epoch FROM now() - min(coalesce(j.scheduled_at, deferred.at)))
FROM procrastinate_jobs j
LEFT JOIN LATERAL (
    SELECT min(e.at) AS at FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'deferred'
) deferred ON true
WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
GROUP BY j.queue_name ORDER BY j.queue_name
"""


def due_jobs() -> list[tuple[str, int, float]]:
    """Per queue with due jobs: its name, how many, and seconds for which the oldest is due."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        return [(name, number, float(age or 0)) for name, number, age in cursor.fetchall()]


@asks_database("worker")
def worker() -> Measurement:
    silence = worker_silence()
    if silence is None:
        return Measurement("worker", is_well=False, found="No worker is running.", fix=WORKER_FIX)
    return Measurement(
        "worker",
        is_well=silence <= WORKER_SILENT_SECONDS,
        found=f"A worker last gave a sign {span(max(silence, 0))} ago.",
        fix=WORKER_FIX,
    )


@asks_database("scheduler")
def scheduler() -> Measurement:
    silence = scheduler_silence()
    if silence is None:
        found = "No periodic job has been enqueued yet."
        return Measurement("scheduler", is_well=False, found=found, fix=WORKER_FIX)
    return Measurement(
        "scheduler",
        is_well=silence <= SCHEDULER_SILENT_SECONDS,
        found=f"The last periodic job was enqueued {span(max(silence, 0))} ago.",
        fix=WORKER_FIX,
    )


@asks_database("queue")
def queue() -> Measurement:
    waiting = due_jobs()
    if not waiting:
        return Measurement("queue", is_well=True, found="No job waits that is due.")
    oldest = max(age for _name, _number, age in waiting)
    total = sum(number for _name, number, _age in waiting)
    return Measurement(
        "queue",
        is_well=oldest <= QUEUE_SECONDS,
        found=f"Jobs that are due: {total}; the oldest waits for {span(oldest)}.",
        fix="See on the system page which jobs run and which failed. With the worker alive, start"
        " another beside it, on this host or a further one.",
    )


@asks_database("deliveries")
def deliveries() -> Measurement:
    """Whether stored deliveries that could not be applied are tried again in time.

    Read from what the worker measures of each organization every two minutes.
    """
    overdue = _seconds(
        "SELECT extract(epoch FROM now() - min(overdue_since)) FROM operations_organizationhealth"
    )
    if overdue is None or overdue <= DELIVERY_OVERDUE_SECONDS:
        found = "Every delivery was applied, or its next try is not overdue."
        return Measurement("deliveries", is_well=True, found=found)
    return Measurement(
        "deliveries",
        is_well=False,
        found=f"A delivery's next try is overdue for {span(overdue)}.",
        fix="See that the worker runs and its job webhooks.retry_failed succeeds; then apply it"
        " again in the organization's delivery log, or with `manage.py replay_deliveries`.",
    )
