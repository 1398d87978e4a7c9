"""Jobs of exports."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import override
from procrastinate.contrib.django import app

from accounts.models import User
from config import mail
from exports import actions
from exports.models import Export
from exports.running import EXPORT  # noqa: F401 - the worker finds its kinds of job here
from exports.subjects import Subject
from tenants.each import for_each_organization
from tenants.models import Organization
from tenants.pin import organization_context
from tenants.scope import door, platform


@app.periodic(cron="17 * * * *")
@app.task(name="exports.remove_expired", queueing_lock="exports.remove_expired")
def remove_expired(timestamp: int) -> None:
    """Hourly: files that are older than a week."""
    for_each_organization(lambda _: _remove_all())


def _remove_all() -> None:
    while actions.remove_expired():
        pass


@app.task(name=actions.MAIL_TASK, retry=mail.MAIL_RETRY)
def send_ready_mail(export_id: str, organization_id: str) -> None:
    """Says that there is a file, and where. The file itself stays behind the sign-in."""
    with platform():
        organization = Organization.objects.get(pk=organization_id)
    with organization_context(organization):
        export = Export.objects.select_related("job").filter(pk=export_id).first()
    if export is None or export.finished_at is None:
        return
    with door():
        user = User.objects.filter(pk=export.asked_by_id, is_active=True).first()
    if user is None:
        return
    with override(user.language):
        mail.send(
            "notice",
            to=user.email,
            language=user.language,
            context={
                "organization_name": organization.name,
                "title": _("Your export is ready"),
                "paragraphs": [
                    _("%(name)s holds %(count)s calls.")
                    if export.subject == Subject.CALLS
                    else _("%(name)s holds %(count)s chats.")
                    % {"name": export.name, "count": f"{export.rows:,}"},
                    _("It is kept for seven days; then it is deleted."),
                ],
                "action_label": _("Download it"),
                "action_url": organization.url(f"/exports/{export.pk}/"),
            },
        )
