"""Finds jobs a request may see: those of kinds whose right the person has."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404

from accounts.http import MemberRequest
from jobs import kinds
from jobs.models import Job
from jobs.querysets import JobQuerySet


def jobs_of(request: MemberRequest) -> JobQuerySet:
    return Job.objects.of_kinds(kinds.visible_to(request.standing.rights))


def get_job(request: MemberRequest, job_id: UUID) -> Job:
    job: Job = get_object_or_404(jobs_of(request), pk=job_id)
    return job
