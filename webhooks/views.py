"""The delivery log and Retell's alerts. The door itself is in `door.py`."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, member_required, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from calls.models import RetellAlert
from config import zones
from config.paging import count_text, keyset_page, with_parameters
from config.partials import render_page
from webhooks import access, actions, presentation, refusals, retell
from webhooks.models import Delivery, DeliveryState

_EVENTS = sorted(
    retell.CALL_EVENTS | retell.CHAT_EVENTS | retell.ALERT_EVENTS | retell.INBOUND_EVENTS
)


def _choices(
    request: MemberRequest, name: str, values: list[tuple[str, str]]
) -> list[dict[str, object]]:
    """Links that set one parameter; the first, "All", removes it."""
    current = request.GET.get(name, "")
    return [
        {
            "label": label,
            "url": with_parameters(request, **{name: value or None}),
            "current": value == current,
        }
        for value, label in [("", "All"), *values]
    ]


@require_GET
@member_required
def delivery_list(request: MemberRequest) -> HttpResponse:
    state, event = request.GET.get("state", ""), request.GET.get("event", "")
    deliveries = Delivery.objects.for_list()
    if state in DeliveryState.values:
        deliveries = deliveries.filter(state=state)
    if event:
        deliveries = deliveries.filter(event=event[: retell.EVENT_MAX_LENGTH])
    page = keyset_page(request, deliveries, name="deliveries", keys=("id",))
    context = {
        "page": page,
        "count_text": count_text(deliveries, len(page.rows), "deliveries"),
        "states": _choices(request, "state", [(s.value, s.label) for s in DeliveryState]),
        "events": _choices(request, "event", [(name, name) for name in _EVENTS]),
        "refusals": refusals.last_day(request.organization.schema_name),
        "zone": zones.shown(),
        "is_filtered": bool(state or event),
        "clear_url": request.path,
    }
    return render_page(request, "webhooks/delivery_list.html", "webhooks/_deliveries.html", context)


@require_GET
@member_required
def delivery_detail(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    delivery = access.get_delivery(request, delivery_id)
    context = {
        "delivery": delivery,
        "subject_url": presentation.subject_url(delivery),
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
    actions.replay(delivery, organization=request.organization)
    if delivery.state in (DeliveryState.APPLIED, DeliveryState.STORED, DeliveryState.CHECKED):
        messages.success(request, "Applied again. Applying twice changes nothing twice.")
    else:
        messages.error(request, f"It could not be applied: {delivery.reason_text}")
    return redirect(delivery)


@require_GET
@member_required
def alert_list(request: MemberRequest) -> HttpResponse:
    alerts = RetellAlert.objects.order_by("-id")  # ids sort by time
    page = keyset_page(request, alerts, name="alerts", keys=("id",))
    context = {
        "page": page,
        "count_text": count_text(alerts, len(page.rows), "alerts"),
        "zone": zones.shown(),
    }
    return render(request, "webhooks/alert_list.html", context)
