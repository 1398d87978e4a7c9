"""Deliveries that were not applied, for what needs attention on the overview."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.roles import Right
from analytics.attention import Item
from config.paging import COUNT_LIMIT, capped_count
from webhooks.models import Delivery, DeliveryState


def unapplied(rights: frozenset[Right]) -> list[Item]:
    return [*_failed(), *_quarantined()]


def _failed() -> list[Item]:
    count = capped_count(Delivery.objects.filter(state=DeliveryState.FAILED))
    title = ngettext(
        "%(count)s delivery failed on our side", "%(count)s deliveries failed on our side", count
    )
    return _item("bad", DeliveryState.FAILED, title, count)


def _quarantined() -> list[Item]:
    count = capped_count(Delivery.objects.filter(state=DeliveryState.QUARANTINED))
    title = ngettext(
        "%(count)s delivery in quarantine", "%(count)s deliveries in quarantine", count
    )
    return _item("warn", DeliveryState.QUARANTINED, title, count)


def _item(tone: str, state: DeliveryState, title: str, count: int) -> list[Item]:
    """With the reason of the newest one."""
    newest = Delivery.objects.filter(state=state).defer("body").order_by("-id").first()
    if newest is None:
        return []
    shown = f"{COUNT_LIMIT:,}+" if count > COUNT_LIMIT else f"{count:,}"
    url = f"{reverse('webhooks:list')}?{urlencode({'verdict': state.value})}"
    return [Item(tone, "inbox", title % {"count": shown}, newest.reason_text, url, _("Inspect"))]
