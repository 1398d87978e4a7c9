"""Procrastinate's tables. Arguments are shown: no job takes a secret as one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from procrastinate.contrib.django.models import (
    ProcrastinateEvent,
    ProcrastinateJob,
    ProcrastinatePeriodicDefer,
    ProcrastinateWorker,
)

from operations.admin.base import ReadOnlyAdmin, ReadOnlyInline
from operations.admin_site import site


class EventInline(ReadOnlyInline):
    model = ProcrastinateEvent
    verbose_name_plural = "what happened to it"
    fields = readonly_fields = ("type", "at")
    ordering = ("id",)


@admin.register(ProcrastinateJob, site=site)
class JobAdmin(ReadOnlyAdmin):
    has_history = False
    note = (
        "Jobs that succeeded are deleted; those that failed stay. Why one failed stands in the log"
        " of the worker, under the job's id."
    )
    list_display = (
        "id", "task_name", "status", "attempts", "last_event", "scheduled_at", "arguments",
    )  # fmt: skip
    list_filter = ("status", "queue_name", "scheduled_at")
    search_fields = ("task_name", "lock", "queueing_lock")
    sortable_by = ("id",)
    ordering = ("-id",)
    inlines = (EventInline,)
    fields = (
        "id", "task_name", "arguments", "status", "attempts", "queue_name", "priority",
        "scheduled_at", "lock", "queueing_lock", "abort_requested", "worker",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        events = ProcrastinateEvent.objects.filter(job=OuterRef("pk")).order_by("-id")
        records: QuerySet[Any] = (
            super().get_queryset(request).annotate(last_at=Subquery(events.values("at")[:1]))
        )
        return records

    def last_event(self, job: Any) -> datetime | None:
        found: datetime | None = job.last_at
        return found

    def arguments(self, job: ProcrastinateJob) -> str:
        return json.dumps(job.args, ensure_ascii=False)


@admin.register(ProcrastinateEvent, site=site)
class EventAdmin(ReadOnlyAdmin):
    has_history = False
    note = "When jobs were deferred, started, tried again and failed."
    list_display = ("id", "at", "type", "task_name", "job_id")
    list_filter = ("type", "at")
    list_select_related = ("job",)
    search_fields = ("job__task_name",)
    sortable_by = ("id",)
    ordering = ("-id",)
    fields = ("at", "type", "job")

    def task_name(self, event: ProcrastinateEvent) -> str:
        return event.job.task_name


@admin.register(ProcrastinatePeriodicDefer, site=site)
class PeriodicDeferAdmin(ReadOnlyAdmin):
    has_history = False
    note = "When what is done every day or hour was last put into the queue."
    list_display = ("task_name", "periodic_id", "due", "job_id")
    search_fields = ("task_name",)
    ordering = ("-id",)
    fields = ("task_name", "periodic_id", "due", "job")

    def due(self, defer: ProcrastinatePeriodicDefer) -> datetime | None:
        seconds = defer.defer_timestamp
        return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


@admin.register(ProcrastinateWorker, site=site)
class WorkerAdmin(ReadOnlyAdmin):
    has_history = False
    note = "Processes that work on jobs. One that is silent for long is gone."
    list_display = ("id", "last_heartbeat")
    ordering = ("-id",)
    fields = ("id", "last_heartbeat")
