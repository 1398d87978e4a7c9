"""How far a job is."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import MemberRequest
from accounts.scopes import Scope
from config.api.operations import Operation
from config.api.serializers import Resource
from config.api.views import ApiView
from jobs import access
from jobs.models import JobState

EXAMPLE = {
    "id": "0193f7d0-1d5e-7aa1-9d53-1f0a6f7c1b2e",
    "kind": "replay",
    "title": "Apply again: Verdict is Quarantined",
    "state": "running",
    "done": 120,
    "total": 400,
    "counts": {"applied": 118, "failed": 2},
    "message": "",
    "created_at": "2026-11-12T09:20:00-05:00",
    "finished_at": None,
}


class JobSerializer(Resource):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(JobState.values)
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    counts: Any = serializers.DictField(
        child=serializers.IntegerField(), help_text="How they ended, by name."
    )
    message = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class JobDetail(ApiView):
    tag = "jobs"
    operations = {
        "GET": Operation("get_job", Scope.DELIVERIES_REPLAY, gives=JobSerializer, example=EXAMPLE)
    }

    def get(self, request: Request, job_id: UUID) -> Response:
        """How far a job is, and how it ended."""
        return self.one(JobSerializer, access.get_job(cast(MemberRequest, self.asked), job_id))
