"""Whether somebody else could run it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from operations.readiness.vocabulary import Category, Item, Phase

ITEMS = (
    Item(
        code="runbooks-read",
        category=Category.DOCUMENTATION,
        title=_("Whoever is on call has read the runbooks"),
        why=_("At night nobody reads them for the first time."),
        fix=_("Go through docs/runbooks/ together, one alert after the other."),
        signed_days=180,
    ),
    Item(
        code="installation-written-down",
        category=Category.DOCUMENTATION,
        title=_("This installation is written down"),
        why=_("Hosts, names, accounts at providers, and who may change them."),
        fix=_("Write them down, and keep the page with the secrets."),
        signed_days=180,
    ),
    Item(
        code="data-agreement",
        category=Category.DOCUMENTATION,
        title=_("Clients know what is kept, and for how long"),
        why=_("Calls are personal data; each client decides the retention in its settings."),
        fix=_("Sign an agreement on processing with each, and name Retell and your providers."),
        signed_days=365,
        is_essential=True,
    ),
    Item(
        code="contact",
        category=Category.DOCUMENTATION,
        title=_("Clients know whom to call"),
        why=_("They notice some faults before any alert does."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY),
        fix=_("Tell every client's admins an address that somebody reads on working days."),
        signed_days=365,
    ),
)
