"""Pages of outgoing webhooks, in the settings."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import confirmation_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from config.paging import count_text, keyset_page
from config.partials import render_page
from notices import access, actions
from notices.actions import SubscriptionError
from notices.forms import FAILED, ReplayForm, SubscriptionForm
from notices.models import DisabledReason, Sending, Subscription


@require_GET
@right_required(Right.MANAGE_NOTICES)
def subscription_list(request: MemberRequest) -> HttpResponse:
    context = {"rows": Subscription.objects.for_list()}
    return render_page(request, "notices/list.html", "notices/_subscriptions.html", context)


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def new_subscription(request: MemberRequest) -> HttpResponse:
    form = SubscriptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            subscription, secret = actions.create_subscription(
                request.organization, created_by=request.user.display_name, **form.cleaned_data
            )
        except SubscriptionError as error:
            form.add_error("url", str(error))
        else:
            return _show_secret(request, subscription, secret)
    return render(request, "notices/new.html", {"form": form})


def _show_secret(request: MemberRequest, subscription: Subscription, secret: str) -> HttpResponse:
    context = {"subscription": subscription, "secret": secret, "overlap": actions.OVERLAP}
    return render(request, "notices/secret.html", context)


@require_GET
@right_required(Right.MANAGE_NOTICES)
def subscription_detail(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    sendings = Sending.objects.of(subscription.pk)
    page = keyset_page(request, sendings, name="notices", keys=("id",))
    context = {
        "subscription": subscription,
        "page": page,
        "count_text": count_text(sendings, len(page.rows), _("messages")),
        "replay_form": ReplayForm(zone=request.organization.zone),
        "kept_days": actions.REMEMBERED.days,
    }
    return render_page(request, "notices/detail.html", "notices/_sendings.html", context)


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def edit_subscription(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    form = SubscriptionForm(request.POST) if request.POST else SubscriptionForm.of(subscription)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_subscription(subscription, **form.cleaned_data)
        except SubscriptionError as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, _("The outgoing webhook was changed."))
            return redirect(subscription)
    return render(request, "notices/edit.html", {"form": form, "subscription": subscription})


@require_POST
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def rotate_secret(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    secret = actions.rotate_secret(subscription, request.organization)
    subscription.refresh_from_db()
    return _show_secret(request, subscription, secret)


@require_POST
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def delete_subscription(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    actions.delete_subscription(access.get_subscription(request, subscription_id))
    messages.success(request, _("The outgoing webhook and its log were deleted."))
    return redirect("notices:list")


@require_POST
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def enable(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    actions.enable(subscription)
    messages.success(request, _("It is on. What waited is being sent."))
    return redirect(subscription)


@require_POST
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def disable(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    actions.disable(subscription, request.organization, DisabledReason.BY_HAND)
    messages.success(request, _("It is off. What waits is kept; what happens now is not noted."))
    return redirect(subscription)


@require_POST
@right_required(Right.MANAGE_NOTICES)
def send_test(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    try:
        sending = actions.send_test(subscription)
    except SubscriptionError as error:
        messages.error(request, str(error))
        return redirect(subscription)
    messages.info(request, _("A test is on its way. This page follows."))
    return redirect(sending)


@require_POST
@right_required(Right.MANAGE_NOTICES)
@confirmation_required
def replay_since(request: MemberRequest, subscription_id: UUID) -> HttpResponse:
    subscription = access.get_subscription(request, subscription_id)
    form = ReplayForm(request.POST, zone=request.organization.zone)
    if not form.is_valid():
        messages.error(request, _("Nothing was sent: give a time that is over."))
        return redirect(subscription)
    only_failed = form.cleaned_data["which"] == FAILED
    try:
        number = actions.replay_since(
            subscription, form.cleaned_data["since"], only_failed=only_failed
        )
    except SubscriptionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _replayed(number))
    return redirect(subscription)


def _replayed(number: int) -> str:
    if not number:
        return _("There is nothing of that since then. Nothing was sent.")
    return ngettext(
        "%(count)s message is being sent again, under its old id.",
        "%(count)s messages are being sent again, under their old ids.",
        number,
    ) % {"count": f"{number:,}"}


@require_GET
@right_required(Right.MANAGE_NOTICES)
def sending(request: MemberRequest, subscription_id: UUID, sending_id: UUID) -> HttpResponse:
    found = access.get_sending(request, subscription_id, sending_id)
    context = {
        "sending": found,
        "subscription": found.subscription,
        "attempts": found.attempts.all()[:100],
        "payload": json.dumps(found.message.document, ensure_ascii=False, indent=2),
    }
    return render_page(request, "notices/sending.html", "notices/_attempts.html", context)


@require_POST
@right_required(Right.MANAGE_NOTICES)
def replay(request: MemberRequest, subscription_id: UUID, sending_id: UUID) -> HttpResponse:
    found = access.get_sending(request, subscription_id, sending_id)
    try:
        actions.replay(found)
    except SubscriptionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _replayed(1))
    return redirect(found)
