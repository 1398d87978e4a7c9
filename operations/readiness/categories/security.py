"""Who gets in, with what, and what is known to be weak."""

from __future__ import annotations

import re

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.access import has_factor
from accounts.models import User
from operations.health import Measurement
from operations.models import AllowedNetwork
from operations.readiness import floors, outside
from operations.readiness.vocabulary import Category, Item, Phase
from tenants.models import Organization
from tenants.scope import door, platform

_RATE = re.compile(r"(\d+)/(\d*)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def super_admins_have_factors() -> Measurement:
    with door():
        admins = list(User.objects.filter(is_super_admin=True, is_active=True))
    without = sum(not has_factor(admin) for admin in admins)
    if admins and not without:
        found = f"Every super admin has a second factor ({len(admins)})."
        return Measurement("super-admin-factors", True, found)
    found = f"Super admins without a second factor: {without}." if admins else "No super admin."
    fix = "Let each set one up at their first sign-in, or remove who does not need it any more."
    return Measurement("super-admin-factors", False, found, fix)


def address_list() -> Measurement:
    with platform():
        networks = AllowedNetwork.objects.count()
    return Measurement(
        "address-list",
        networks > 0,
        f"The operator's pages are kept to certain networks: {networks}."
        if networks
        else "The operator's pages are open to every network.",
        "Add your networks on the page Records, or with `manage.py ip_allowlist add`.",
    )


def limits() -> Measurement:
    """Whether any rate limit was set above what production is shipped with."""
    looser = [
        name
        for name, shipped in settings.SHIPPED_LIMITS.items()
        if per_second(getattr(settings, name)) > per_second(shipped)
    ]
    return Measurement(
        "limits",
        not looser,
        f"Looser than shipped: {', '.join(looser)}."
        if looser
        else "No limit is looser than shipped.",
        "Remove them from the environment, and restart `web`.",
    )


def per_second(rate: str) -> float:
    """ "10/5m" as times a second."""
    match = _RATE.fullmatch(rate)
    if match is None:
        return float("inf")
    times, count, unit = match.groups()
    return int(times) / (int(count or 1) * _SECONDS[unit])


def known_vulnerabilities() -> Measurement:
    below = floors.below()
    return Measurement(
        "known-vulnerabilities",
        not below,
        f"With a known vulnerability: {'; '.join(below)}."
        if below
        else "Nothing here is below the version in which a known vulnerability was fixed.",
        "Install this release's packages as requirements.lock says, and update the servers.",
    )


def no_demo() -> Measurement:
    with platform():
        is_there = Organization.objects.demo().exists()
    return Measurement(
        "no-demo",
        not is_there,
        "The demo is installed, with its well-known people." if is_there else "No demo is here.",
        "Run `manage.py remove_demo`.",
    )


ITEMS = (
    Item(
        code="super-admin-factors",
        category=Category.SECURITY,
        title=_("Every super admin has a second factor"),
        why=_("They reach every organization's settings."),
        is_essential=True,
        measure=super_admins_have_factors,
    ),
    Item(
        code="address-list",
        category=Category.SECURITY,
        title=_("The operator's pages are kept to certain networks"),
        why=_("Nobody else even sees their sign-in."),
        measure=address_list,
    ),
    Item(
        code="headers",
        category=Category.SECURITY,
        title=_("Security headers arrive at the public address"),
        why=_("A proxy may drop what the product sends."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY),
        measure=outside.headers,
    ),
    Item(
        code="limits",
        category=Category.SECURITY,
        title=_("Rate limits stand at production values"),
        why=_("They were perhaps loosened for a test."),
        measure=limits,
    ),
    Item(
        code="known-vulnerabilities",
        category=Category.SECURITY,
        title=_("No version with a known vulnerability"),
        why=_("Compared with the list that this release was shipped with."),
        phases=(Phase.PRE_LAUNCH, Phase.POST_LAUNCH),
        is_essential=True,
        measure=known_vulnerabilities,
    ),
    Item(
        code="no-demo",
        category=Category.SECURITY,
        title=_("The demo is removed"),
        why=_("Its passwords are known to everybody who has the sources."),
        is_essential=True,
        measure=no_demo,
    ),
    Item(
        code="dependencies-reviewed",
        category=Category.SECURITY,
        title=_("Dependencies reviewed for new advisories"),
        why=_("The shipped list ends where it was made."),
        phases=(Phase.PRE_LAUNCH, Phase.POST_LAUNCH),
        fix=_("Run an auditing tool such as pip-audit over requirements.lock, and update."),
        signed_days=30,
    ),
    Item(
        code="secrets-kept",
        category=Category.SECURITY,
        title=_("Secrets are kept apart from the hosts"),
        why=_("SECRET_KEY and ENCRYPTION_KEYS are needed to restore, and to nobody else."),
        fix=_("Keep them in a secret store that at least two people can open."),
        signed_days=365,
        is_essential=True,
    ),
    Item(
        code="security-review",
        category=Category.SECURITY,
        title=_("Security reviewed by somebody who did not build it"),
        why=_("A second look finds what habit hides."),
        fix=_("Let them follow docs/security-model.md, and scan the public address."),
        signed_days=365,
    ),
)
