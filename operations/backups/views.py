"""The page of backups, for super admins."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import super_admin_required
from accounts.http import OperatorRequest
from config.paging import count_text, keyset_page
from config.partials import render_page
from operations.backups import actions, presentation
from operations.backups.exceptions import BackupError
from operations.backups.models import Backup


@require_GET
@super_admin_required
def backups(request: OperatorRequest) -> HttpResponse:
    now = timezone.now()
    found = Backup.objects.all()
    page = keyset_page(request, found, name="backups", keys=("id",))
    context = {
        "page": page,
        "count_text": count_text(found, len(page.rows), "backups"),
        "is_open": Backup.objects.open().exists(),
        "kpis": presentation.kpis(now),
        "facts": presentation.facts(now),
        "notices": presentation.notices(now),
        "trend": presentation.trend(),
    }
    return render_page(request, "operations/backups.html", "operations/_backups.html", context)


@require_GET
@super_admin_required
def backup(request: OperatorRequest, backup_id: UUID) -> HttpResponse:
    found = get_object_or_404(Backup, pk=backup_id)
    context = {"backup": found, "facts": presentation.facts_of(found)}
    return render_page(request, "operations/backup.html", "operations/_backup_detail.html", context)


@require_POST
@super_admin_required
def backup_now(request: OperatorRequest) -> HttpResponse:
    try:
        actions.ask_for_backup(request.user)
        messages.success(request, _("The worker makes a backup; you see here how far it is."))
    except BackupError as error:
        messages.error(request, str(error))
    return redirect("operations:backups")


@require_POST
@super_admin_required
def backup_prove(request: OperatorRequest, backup_id: UUID) -> HttpResponse:
    found = get_object_or_404(Backup, pk=backup_id)
    try:
        actions.ask_for_proof(found)
        messages.success(request, _("The worker restores it somewhere else and compares."))
    except BackupError as error:
        messages.error(request, str(error))
    return redirect("operations:backups_detail", found.pk)
