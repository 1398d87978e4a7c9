"""The deliveries behind many calls, for what `calls` includes when asked to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from webhooks.models import Delivery


def deliveries_about(subject_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Oldest first, in one query."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = Delivery.objects.filter(subject_id__in=subject_ids).order_by("id")
    for row in rows.values("id", "event", "state", "received_at", "subject_id"):
        found[row["subject_id"]].append(dict(row))
    return found
