"""The system page: how the installation is, and what to do about jobs that failed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import super_admin_required
from accounts.http import OperatorRequest
from config.partials import render_page, wants_partial
from operations import failed_jobs, listing
from operations import system as measured
from operations.failed_jobs import JobError


@require_GET
@super_admin_required
def system(request: OperatorRequest) -> HttpResponse:
    context = measured.state()
    if not wants_partial(request):
        page = measured.organizations(request)
        context |= {
            "organizations": page.object_list,
            "count_text": listing.count_text(page),
            "page": listing.neighbours(request, page),
            "slow_queries": measured.slow_queries(),
            "versions": measured.versions(),
        }
    return render_page(request, "operations/system.html", "operations/_system.html", context)


@require_POST
@super_admin_required
def retry_job(request: OperatorRequest, job_id: int) -> HttpResponse:
    try:
        name = failed_jobs.retry(job_id)
        messages.success(request, _("%(name)s runs again within seconds.") % {"name": name})
    except JobError as error:
        messages.error(request, str(error))
    return redirect("operations:system")


@require_POST
@super_admin_required
def discard_job(request: OperatorRequest, job_id: int) -> HttpResponse:
    try:
        name = failed_jobs.discard(job_id)
        messages.success(request, _("%(name)s was discarded.") % {"name": name})
    except JobError as error:
        messages.error(request, str(error))
    return redirect("operations:system")
