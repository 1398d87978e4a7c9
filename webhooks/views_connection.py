"""Connecting to Retell: keys, the webhook URL, and whether events arrive."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.access import confirmation_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from agents.connection import keys
from agents.connection.actions import api_key, signing_key, webhook_url
from agents.connection.exceptions import SENTENCES, Refused, RetellKeyError
from agents.models import RetellConnection
from completeness import jobs as completeness_jobs
from completeness.tasks import BACKFILL
from config.partials import render_page, wants_partial
from jobs.models import Job
from webhooks import connection
from webhooks.forms_connection import ApiKeyForm, SigningKeyForm

PAGE = "retell:connection"
# Offered with the first key.
MONTHS = 3
OLD_KEPT_DAYS = signing_key.PREVIOUS_KEY_VALID_DAYS


@require_GET
@right_required(Right.MANAGE_RETELL)
def connection_page(request: MemberRequest) -> HttpResponse:
    row = keys.connection()
    current_key, old_key = connection.signing_keys(request.organization, row)
    context: dict[str, Any] = {
        "row": row,
        "arrival": connection.arrival(request.organization, row),
        "now": timezone.now(),
        "current_key": current_key,
        "old_key": old_key,
        "quiet_hours": settings.RETELL_KEY_QUIET_HOURS,
        "is_refresh": wants_partial(request),
    }
    if not context["is_refresh"]:
        context |= _forms_and_urls(request, row, has_key=current_key is not None)
    return render_page(
        request, "webhooks/connection.html", "webhooks/_connection_arrival.html", context
    )


def _forms_and_urls(
    request: MemberRequest, row: RetellConnection, *, has_key: bool
) -> dict[str, Any]:
    url, old_urls = connection.webhook_urls(request.organization)
    usable, unreadable = keys.signing_keys(request.organization.pk)
    return {
        "api_key_is_unreadable": keys.is_unreadable(row, request.organization.pk),
        "signing_key_is_unreadable": unreadable and not usable,
        "api_key_form": _api_key_form(row, has_key=has_key),
        "history": Job.objects.open().of_kinds([BACKFILL.code]).first(),
        "signing_key_form": SigningKeyForm(),
        "url": url,
        "old_urls": old_urls,
        "disconnect_url": reverse("retell:disconnect"),
        "remove_keys_url": reverse("retell:remove_signing_keys"),
        "new_url_url": reverse("retell:new_url"),
    }


def _api_key_form(row: RetellConnection, *, has_key: bool) -> ApiKeyForm:
    form = ApiKeyForm(initial={"signs_webhooks": not has_key, "months": MONTHS})
    if row.has_api_key:  # history was asked about with the first one
        del form.fields["months"]
    return form


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
@sensitive_post_parameters("api_key")
def store_api_key(request: MemberRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _refuse(request, _refusal(form))
    key = form.cleaned_data["api_key"]
    try:
        workspace = keys.check_key(key, request.organization.pk)
        row = api_key.connect(
            request.organization.pk,
            key,
            workspace,
            signs_webhooks=form.cleaned_data["signs_webhooks"],
        )
    except RetellKeyError as error:
        return _refuse(request, str(error))
    if months := form.cleaned_data["months"]:
        completeness_jobs.fetch_history(request.organization, months=months, user=request.user)
    name = row.workspace_name or row.workspace_id
    return _done(
        request, _("Retell accepts the key: this is the workspace %(name)s.") % {"name": name}
    )


def _refusal(form: ApiKeyForm) -> str:
    if "months" not in form.errors:
        return SENTENCES[Refused.NO_KEY]
    reasons = " ".join(str(reason) for reason in form.errors["months"])
    return _("Months of history: %(reasons)s Nothing was changed.") % {"reasons": reasons}


@require_POST
@right_required(Right.MANAGE_RETELL)
def check_api_key(request: MemberRequest) -> HttpResponse:
    """Ask Retell whether the stored key still works."""
    try:
        row = api_key.confirm(request.organization.pk)
    except RetellKeyError as error:
        return _refuse(request, str(error))
    return _done(
        request,
        _("Retell accepts the key that ends in %(ends)s.") % {"ends": row.api_key_last4},
    )


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def disconnect(request: MemberRequest) -> HttpResponse:
    try:
        api_key.disconnect(request.organization.pk)
    except RetellKeyError as error:
        return _refuse(request, str(error))
    return _done(
        request,
        _(
            "The workspace is disconnected and its API key removed. Webhooks are still accepted"
            " with the signing key."
        ),
    )


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
@sensitive_post_parameters("signing_key")
def store_signing_key(request: MemberRequest) -> HttpResponse:
    form = SigningKeyForm(request.POST)
    if not form.is_valid():
        return _refuse(request, SENTENCES[Refused.NO_KEY])
    try:
        row = signing_key.set_signing_key(request.organization.pk, form.cleaned_data["signing_key"])
    except RetellKeyError as error:
        return _refuse(request, str(error))
    return _done(
        request,
        _(
            "Webhooks are verified with the key that ends in %(ends)s. One stored before it is"
            " accepted for %(days)s more days."
        )
        % {"ends": row.key_last4, "days": OLD_KEPT_DAYS},
    )


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def remove_old_key(request: MemberRequest) -> HttpResponse:
    signing_key.remove_previous_key()
    return _done(request, _("The old signing key is removed."))


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def remove_signing_keys(request: MemberRequest) -> HttpResponse:
    signing_key.remove_signing_keys()
    return _done(request, _("No signing key is stored any more: webhooks are refused."))


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def new_url(request: MemberRequest) -> HttpResponse:
    webhook_url.rotate(request.organization)
    return _done(
        request,
        _(
            "There is a new webhook URL: set it in Retell. The one before it works for %(days)s"
            " more days."
        )
        % {"days": webhook_url.OLD_URL_VALID_DAYS},
    )


@require_POST
@right_required(Right.MANAGE_RETELL)
@confirmation_required
def revoke_url(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    if not webhook_url.revoke_old(request.organization, endpoint_id):
        raise Http404
    return _done(request, _("The old webhook URL is revoked."))


def _done(request: MemberRequest, text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect(PAGE)


def _refuse(request: MemberRequest, text: str) -> HttpResponse:
    messages.error(request, text)
    return redirect(PAGE)
