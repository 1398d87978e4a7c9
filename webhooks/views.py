"""The delivery log and Retell's alerts. The door itself is in `door.py`."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import confirmation_required, may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from calls.models import RetellAlert
from config import zones
from config.filtering import ignored_by
from config.paging import capped_count, capped_text, count_text, keyset_page, with_parameters
from config.partials import render_page, wants_partial
from webhooks import access, actions, presentation, refusals, replaying, retention
from webhooks.exceptions import BodyGone
from webhooks.filters import DeliveryFilter
from webhooks.forms import RetentionForm
from webhooks.models import Delivery, DeliveryState, Retention

VERDICT_TABS = [
    (state.value, state.label)
    for state in (
        DeliveryState.APPLIED,
        DeliveryState.QUARANTINED,
        DeliveryState.FAILED,
        DeliveryState.IGNORED,
    )
]


@require_GET
@member_required
def delivery_list(request: MemberRequest) -> HttpResponse:
    filters = _filters(request)
    page = keyset_page(request, filters.qs, name="deliveries", keys=("id",))
    count = capped_count(filters.qs)
    context = {
        "page": page,
        "count_text": f"{len(page.rows):,} of {capped_text(count, 'deliveries')}",
        "verdicts": _verdict_tabs(request),
        "filters": filters.form.chips(request),
        "filter_form": filters.form,
        "ignored": [*filters.form.ignored(request.GET), *page.notes],
        "clear_url": request.path,
        "zone": zones.shown(),
        "replay_url": reverse("webhooks:replay_all")
        + with_parameters(request).removeprefix(request.path),
        "replay_text": capped_text(count, "deliveries") if count else "",
    }
    if not wants_partial(request):
        context["refused"] = presentation.refused(
            refusals.by_hour(request.organization.schema_name)
        )
    return render_page(request, "webhooks/delivery_list.html", "webhooks/_deliveries.html", context)


def _verdict_tabs(request: MemberRequest) -> list[dict[str, object]]:
    """The verdicts people look for most; all of them are among the filters."""
    current = request.GET.get("verdict", "")
    return [
        {
            "label": label,
            "url": with_parameters(request, verdict=value or None, reason=None),
            "current": value == current,
        }
        for value, label in (("", "All"), *VERDICT_TABS)
    ]


def _filters(request: MemberRequest) -> DeliveryFilter:
    return DeliveryFilter(request.GET, Delivery.objects.for_list(), zone=request.organization.zone)


@require_GET
@member_required
def delivery_detail(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    delivery = access.get_delivery(request, delivery_id)
    context = {
        "delivery": delivery,
        "subject_url": presentation.subject_url(delivery),
        "agent": presentation.agent_of(delivery),
        "can_replay": may(request, Right.REPLAY_DELIVERIES) and not delivery.body_removed_at,
        "replay_url": reverse("webhooks:replay", args=[delivery.pk]),
        "zone": zones.shown(),
    }
    if access.may_read_body(request):
        context["raw_text"], context["raw_note"] = presentation.raw_text(delivery)
        if context["raw_text"] is not None:
            actions.note_body_read(delivery)
    return render(request, "webhooks/delivery_detail.html", context)


@require_POST
@right_required(Right.REPLAY_DELIVERIES)
def replay_delivery(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    delivery = access.get_delivery(request, delivery_id, write=True)
    try:
        applied = actions.replay(delivery, organization=request.organization)
    except BodyGone as error:
        messages.error(request, str(error))
        return redirect(delivery)
    if delivery.state in (DeliveryState.QUARANTINED, DeliveryState.FAILED):
        messages.error(
            request,
            _("It could not be applied: %(why)s") % {"why": delivery.reason_text},
        )
    elif applied.changed:
        messages.success(request, _("Applied again."))
    else:
        messages.success(request, _("Applied again; nothing changed by it."))
    return redirect(delivery)


@require_http_methods(["GET", "POST"])
@right_required(Right.REPLAY_DELIVERIES)
def replay_all(request: MemberRequest) -> HttpResponse:
    """Asks first, with the count; what was asked comes back signed, so it is what is done."""
    if request.method == "POST":
        selection = access.read_selection(request.POST.get("selection", ""))
        if selection is None:
            messages.error(request, _("That page was too old. Nothing was started; look again."))
            return redirect("webhooks:list")
        return redirect(replaying.start(request.organization, selection, user=request.user))
    filters = _filters(request)
    if filters.form.ignored(request.GET):
        messages.error(
            request,
            _(
                "Nothing was started: a filter was not understood, and without it this would apply"
                " more than you mean."
            ),
        )
        return redirect(f"{reverse('webhooks:list')}?{request.GET.urlencode()}")
    selection = replaying.select(request.organization, filters)
    count = selection.count()
    context = {
        "count": count,
        "count_text": capped_text(count, "deliveries", replaying.COUNT_LIMIT),
        "filters": filters.form.shown_values(),
        "selection": access.sign_selection(selection),
        "list_url": f"{reverse('webhooks:list')}?{request.GET.urlencode()}",
    }
    return render(request, "webhooks/replay_all.html", context)


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_ACCESS)
@confirmation_required
def retention_settings(request: MemberRequest) -> HttpResponse:
    """Shortening removes bodies for good, so it says how many and asks once more."""
    form = RetentionForm(request.POST or None, retention=Retention.current())
    context = {"form": form, "unreadable_days": settings.UNREADABLE_BODY_RETENTION_DAYS}
    if request.method != "POST" or not form.is_valid():
        return render(request, "webhooks/retention.html", context)
    days = form.cleaned_data["days"]
    due = retention.count_due(days) if days else 0
    if due and form.is_shorter and request.POST.get("confirmed") != str(days):
        context |= {"days": days, "due_text": capped_text(due, "bodies")}
        return render(request, "webhooks/retention_confirm.html", context)
    changed = retention.change(days)
    messages.success(request, _("Retention was saved.") if changed else _("Nothing was changed."))
    return redirect("webhooks_settings:retention")


@require_GET
@member_required
def alert_list(request: MemberRequest) -> HttpResponse:
    alerts = RetellAlert.objects.order_by("-id")  # ids sort by time
    page = keyset_page(request, alerts, name="alerts", keys=("id",))
    context = {
        "page": page,
        "count_text": count_text(alerts, len(page.rows), "alerts"),
        "ignored": ignored_by(page, request),
        "zone": zones.shown(),
    }
    return render(request, "webhooks/alert_list.html", context)
