"""Processes, servers, addresses."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from operations.health import MEASUREMENTS, Measurement
from operations.readiness import outside
from operations.readiness.vocabulary import Category, Item, Phase

_BEFORE_AND_AT = (Phase.PRE_LAUNCH, Phase.LAUNCH_DAY)


def production() -> Measurement:
    is_well = settings.PRODUCTION and not settings.DEBUG
    return Measurement(
        "production",
        is_well,
        "The product runs with its settings for production."
        if is_well
        else "The product runs with settings for development, which keep mails here and trust"
        " this machine.",
        "Set ENVIRONMENT=production, remove DEBUG, and restart every process.",
    )


ITEMS = (
    Item(
        code="production",
        category=Category.INFRASTRUCTURE,
        title=_("Settings for production"),
        why=_("In development the product is lenient: no https, mails that go nowhere."),
        is_essential=True,
        measure=production,
    ),
    Item(
        code="webhook-door",
        category=Category.INFRASTRUCTURE,
        title=_("The webhook door answers from outside"),
        why=_("A signed delivery is sent to the public address: name, TLS, proxy, clock and door."),
        phases=(*_BEFORE_AND_AT, Phase.POST_LAUNCH),
        is_essential=True,
        measure=outside.webhook_door,
    ),
    Item(
        code="database",
        category=Category.INFRASTRUCTURE,
        title=_("PostgreSQL answers"),
        why=_("It is the only store of record."),
        is_essential=True,
        measure=MEASUREMENTS["database"],
    ),
    Item(
        code="migrations",
        category=Category.INFRASTRUCTURE,
        title=_("Every schema stands at this version"),
        why=_("A schema that is behind refuses what this version writes."),
        phases=_BEFORE_AND_AT,
        is_essential=True,
        measure=MEASUREMENTS["migrations"],
    ),
    Item(
        code="roles",
        category=Category.INFRASTRUCTURE,
        title=_("Database roles fit the organizations"),
        why=_("Each client's data is kept apart by a role of its own."),
        is_essential=True,
        measure=MEASUREMENTS["roles"],
    ),
    Item(
        code="worker",
        category=Category.INFRASTRUCTURE,
        title=_("The worker lives"),
        why=_("It brings back lost calls, makes exports and backups, sends mails."),
        phases=_BEFORE_AND_AT,
        is_essential=True,
        measure=MEASUREMENTS["worker"],
    ),
    Item(
        code="scheduler",
        category=Category.INFRASTRUCTURE,
        title=_("Periodic jobs are enqueued"),
        why=_("Comparing with Retell, retention and backups all begin there."),
        phases=_BEFORE_AND_AT,
        is_essential=True,
        measure=MEASUREMENTS["scheduler"],
    ),
    Item(
        code="queue",
        category=Category.INFRASTRUCTURE,
        title=_("Jobs do not wait"),
        why=_("A queue that grows is the first sign of a worker that cannot keep up."),
        phases=(Phase.LAUNCH_DAY, Phase.POST_LAUNCH),
        measure=MEASUREMENTS["queue"],
    ),
    Item(
        code="redis",
        category=Category.INFRASTRUCTURE,
        title=_("Redis or Valkey is in use"),
        why=_("Without it, limits count nobody and pages are slower and not live."),
        is_essential=True,
        measure=MEASUREMENTS["redis"],
    ),
    Item(
        code="live",
        category=Category.INFRASTRUCTURE,
        title=_("Live updates are served"),
        why=_("Without them an open page hears of a call after up to 15 seconds."),
        phases=_BEFORE_AND_AT,
        measure=MEASUREMENTS["live"],
    ),
    Item(
        code="disk",
        category=Category.INFRASTRUCTURE,
        title=_("There is room on the disks"),
        why=_("PostgreSQL stops taking calls when its disk is full."),
        phases=(*_BEFORE_AND_AT, Phase.POST_LAUNCH),
        measure=MEASUREMENTS["disk"],
    ),
    Item(
        code="clock",
        category=Category.INFRASTRUCTURE,
        title=_("Clocks agree"),
        why=_("A signature counts for five minutes: a wrong clock refuses genuine calls."),
        is_essential=True,
        measure=MEASUREMENTS["clock"],
    ),
    Item(
        code="certificate",
        category=Category.INFRASTRUCTURE,
        title=_("The certificate is good for two more weeks"),
        why=_("Retell delivers nothing to an address whose certificate ran out."),
        phases=(Phase.PRE_LAUNCH, Phase.POST_LAUNCH),
        is_essential=True,
        measure=outside.certificate,
    ),
)
