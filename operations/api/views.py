"""Organizations, their usage, and how their deliveries do. On the operator host."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import ApiRequest
from accounts.scopes import Scope
from agents.connection.exceptions import RetellKeyError
from config.api.idempotency import idempotent, idempotent_in_steps
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import Problem, conflict, error, invalid_parameters
from config.api.serializers import chosen, read
from config.api.views import ApiView
from operations import listing, organizations
from operations.api.serializers import (
    HEALTH,
    NEW,
    ORGANIZATION,
    USAGE,
    HealthSerializer,
    NewOrganizationSerializer,
    OrganizationSerializer,
    ReasonSerializer,
    UsageOfOrganizationSerializer,
)
from operations.listing import OrganizationFilterForm
from operations.models import OrganizationHealth
from tenants.exceptions import OrganizationError
from tenants.models import Organization

USAGE_DAYS = 30


def _get(organization_id: UUID) -> Organization:
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise Http404
    return organization


def check_reading_urls(request: ApiRequest) -> None:
    """Raises `Problem`: whoever has a webhook URL can send events, so reading is not enough."""
    included = chosen(request.GET, OrganizationSerializer)["include"]
    wanted = Scope.ORGANIZATIONS_WRITE
    if "webhook_urls" in included and wanted not in request.standing.scopes:
        raise Problem(
            403,
            "scope-missing",
            _("Not allowed"),
            _("Webhook URLs take the scope organizations:write. Nothing was read."),
            errors=[error("include", wanted.value, "scope")],
        )


class OrganizationList(ListView):
    tag = "organizations"
    resource = "organizations"
    filter_form = OrganizationFilterForm
    operations = {
        "GET": Operation(
            "list_organizations", Scope.ORGANIZATIONS_READ, gives=OrganizationSerializer,
            many=True, example=ORGANIZATION,
        ),
        "POST": Operation(
            "create_organization", Scope.ORGANIZATIONS_WRITE, gives=OrganizationSerializer,
            example=ORGANIZATION, takes=NewOrganizationSerializer, takes_example=NEW, status=201,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """Organizations, the newest first."""
        form = OrganizationFilterForm(self.asked.GET)
        self.check_filters(form)
        check_reading_urls(self.asked)
        found = form.matching(Organization.objects.order_by("-id"))
        return self.page(found, OrganizationSerializer, form=form)

    @idempotent_in_steps
    def post(self, request: Request) -> Response:
        """Make an organization, and invite its first admin.

        Answers when it is ready. Its webhook URL is read with include=webhook_urls."""
        self.check_parameters()
        wish = read(NewOrganizationSerializer, request.data)
        try:
            made = organizations.request_organization(
                **wish, created_by=self.asked.user.display_name
            )
        except OrganizationError as refused:
            raise conflict("organization-refused", str(refused)) from refused
        except RetellKeyError as refused:
            raise conflict("retell-key-refused", str(refused), field="retell_api_key") from refused
        location = f"/api/v1/organizations/{made.organization.pk}"
        return self.made(OrganizationSerializer, made.organization, location=location)


class OrganizationDetail(ApiView):
    tag = "organizations"
    operations = {
        "GET": Operation(
            "get_organization", Scope.ORGANIZATIONS_READ, gives=OrganizationSerializer,
            example=ORGANIZATION,
        )
    }  # fmt: skip

    def get(self, request: Request, organization_id: UUID) -> Response:
        """One organization."""
        check_reading_urls(self.asked)
        return self.one(OrganizationSerializer, _get(organization_id))


class Suspend(ApiView):
    tag = "organizations"
    operations = {
        "POST": Operation(
            "suspend_organization", Scope.ORGANIZATIONS_WRITE, gives=OrganizationSerializer,
            example=ORGANIZATION | {"status": "suspended"}, takes=ReasonSerializer,
            takes_example={"reason": "Invoice overdue"},
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request, organization_id: UUID) -> Response:
        """Close an organization's pages and API for now; its webhooks are kept."""
        self.check_parameters()
        organization = _get(organization_id)
        reason = read(ReasonSerializer, request.data).get("reason", "")
        try:
            organizations.suspend(organization, reason=reason)
        except OrganizationError as refused:
            raise conflict("wrong-status", str(refused)) from refused
        return self.made(OrganizationSerializer, _get(organization_id), status=200)


class Resume(ApiView):
    tag = "organizations"
    operations = {
        "POST": Operation(
            "resume_organization", Scope.ORGANIZATIONS_WRITE, gives=OrganizationSerializer,
            example=ORGANIZATION,
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request, organization_id: UUID) -> Response:
        """Open an organization again."""
        self.check_parameters()
        organization = _get(organization_id)
        try:
            organizations.resume(organization)
        except OrganizationError as refused:
            raise conflict("wrong-status", str(refused)) from refused
        return self.made(OrganizationSerializer, _get(organization_id), status=200)


class UsageList(ListView):
    tag = "usage"
    resource = "usage"
    parameters = {
        "first": "First day, as 2026-11-01; without, 30 days ago.",
        "last": "Last day, included; without, today, wherever the organization is.",
    }
    operations = {
        "GET": Operation(
            "list_usage", Scope.ORGANIZATIONS_READ, gives=UsageOfOrganizationSerializer,
            many=True, example=USAGE,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """What the calls of each organization came to, on its own clock.

        A few minutes old, as on the operator's pages."""
        today = timezone.now().date()
        first = self._day("first", today - timedelta(days=USAGE_DAYS))
        # Some clocks are a day ahead.
        last = self._day("last", today + timedelta(days=1))
        if first > last:
            raise invalid_parameters([error("first", _("It is later than the last day."))])
        found: QuerySet[Organization] = listing.usage_between(first, last)
        return self.page(found, UsageOfOrganizationSerializer)

    def _day(self, name: str, default: date) -> date:
        text = self.asked.GET.get(name)
        if not text:
            return default
        try:
            return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no time
        except ValueError:
            raise invalid_parameters([error(name, _("Write a day as 2026-11-01."))]) from None


class HealthList(ListView):
    tag = "health"
    resource = "health"
    keys = ("organization_id",)
    operations = {
        "GET": Operation(
            "list_health", Scope.ORGANIZATIONS_READ, gives=HealthSerializer, many=True,
            example=HEALTH,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """How the deliveries of each organization do, as measured last; today on its own clock."""
        found = OrganizationHealth.objects.select_related("organization").order_by(
            "-organization_id"
        )
        return self.page(found, HealthSerializer)
