"""What people meet."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config import mail_server
from operations.health import Measurement
from operations.readiness.vocabulary import Category, Item, Phase

MAIL_FIX = "Set EMAIL_URL to a server that takes mail from this host, and restart every process."


def mail() -> Measurement:
    """Whether the mail server lets us in; nothing is sent."""
    if not settings.MAIL_IS_CONFIGURED:
        return Measurement("mail", False, "No mail server is configured.", MAIL_FIX)
    try:
        mail_server.greet()
    except OSError as error:
        found = f"The mail server does not let the product in: {type(error).__name__}."
        return Measurement("mail", False, found, MAIL_FIX)
    return Measurement("mail", True, "The mail server lets the product in.")


ITEMS = (
    Item(
        code="mail",
        category=Category.EXPERIENCE,
        title=_("Mail goes out"),
        why=_("Invitations, resets and notices all go by mail."),
        is_essential=True,
        measure=mail,
    ),
    Item(
        code="mail-arrives",
        category=Category.EXPERIENCE,
        title=_("Mail arrives, and not among spam"),
        why=_("Providers judge the sender's name: SPF, DKIM and DMARC."),
        fix=_("Invite an address at two large providers, and look where the mail lands."),
        signed_days=180,
    ),
    Item(
        code="walked-through",
        category=Category.EXPERIENCE,
        title=_("A client's admin walked through it with you"),
        why=_("Overview, a call, an export, inviting a viewer."),
        phases=(Phase.PRE_LAUNCH, Phase.LAUNCH_DAY),
        fix=_("Sit beside one of them for half an hour and write down where they stop."),
        signed_days=180,
    ),
    Item(
        code="accessible",
        category=Category.EXPERIENCE,
        title=_("Your colours and logos were looked at in both themes"),
        why=_("Each client may set an accent and a logo of their own."),
        fix=_("Open each client's overview in light and dark, wide and narrow."),
        signed_days=365,
    ),
)
