"""The log of deliveries, and applying them again."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import MemberRequest
from accounts.scopes import Scope
from config.api.idempotency import idempotent, idempotent_in_steps
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import conflict
from config.api.views import ApiView
from jobs.api.views import EXAMPLE as JOB
from jobs.api.views import JobSerializer
from webhooks import access, actions, replaying
from webhooks.api.serializers import EXAMPLE, DeliverySerializer
from webhooks.exceptions import BodyGone, StopsWorker
from webhooks.filters import DeliveryFilter
from webhooks.models import Delivery


def _filters(request: MemberRequest) -> DeliveryFilter:
    return DeliveryFilter(request.GET, Delivery.objects.for_list(), zone=request.organization.zone)


class DeliveryList(ListView):
    tag = "deliveries"
    resource = "deliveries"
    filter_form = DeliveryFilter
    operations = {
        "GET": Operation(
            "list_deliveries", Scope.DELIVERIES_READ, gives=DeliverySerializer, many=True,
            example=EXAMPLE,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """Deliveries, newest first."""
        filters = _filters(cast(MemberRequest, self.asked))
        self.check_filters(filters.form)
        return self.page(filters.qs, DeliverySerializer, form=filters.form)


class DeliveryDetail(ApiView):
    tag = "deliveries"
    operations = {
        "GET": Operation(
            "get_delivery", Scope.DELIVERIES_READ, gives=DeliverySerializer, example=EXAMPLE
        )
    }

    def get(self, request: Request, delivery_id: UUID) -> Response:
        """One delivery."""
        return self.one(DeliverySerializer, access.get_delivery(self.asked, delivery_id))


class DeliveryReplay(ApiView):
    tag = "deliveries"
    operations = {
        "POST": Operation(
            "replay_delivery", Scope.DELIVERIES_REPLAY, gives=DeliverySerializer, example=EXAMPLE
        )
    }

    @idempotent_in_steps
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Apply a delivery again.

        Its state says what became of it: it may be quarantined or fail as before."""
        self.check_parameters()
        delivery = access.get_delivery(self.asked, delivery_id, write=True)
        organization = cast(MemberRequest, self.asked).organization
        try:
            actions.replay(delivery, organization=organization)
        except BodyGone as gone:
            raise conflict("body-gone", str(gone)) from gone
        except StopsWorker as refused:
            raise conflict("stops-worker", str(refused)) from refused
        return self.made(DeliverySerializer, delivery, status=200)


class DeliveriesReplay(ListView):
    tag = "deliveries"
    filter_form = DeliveryFilter
    filtered = ("POST",)
    operations = {
        "POST": Operation(
            "replay_deliveries", Scope.DELIVERIES_REPLAY, gives=JobSerializer, example=JOB,
            status=202,
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request) -> Response:
        """Apply all deliveries again that match, as a job.

        The filters stand in the URL and are those of the list; without any it is all of them.
        Those that arrive later are left out."""
        asked = cast(MemberRequest, self.asked)
        filters = _filters(asked)
        self.check_filters(filters.form)
        selection = replaying.select(asked.organization, filters)
        job = replaying.start(asked.organization, selection, user=self.asked.user)
        return self.made(JobSerializer, job, status=202, location=f"/api/v1/jobs/{job.pk}")
