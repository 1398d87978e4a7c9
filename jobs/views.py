"""Pages of long work."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import member_required
from accounts.http import MemberRequest
from config.filtering import ignored_by
from config.paging import count_text, keyset_page
from config.partials import render_page
from jobs import access, actions


@require_GET
@member_required
def job_list(request: MemberRequest) -> HttpResponse:
    jobs = access.jobs_of(request)
    page = keyset_page(request, jobs, name="jobs", keys=("id",))
    context = {
        "page": page,
        "count_text": count_text(jobs, len(page.rows), "jobs"),
        "ignored": ignored_by(page, request),
    }
    return render_page(request, "jobs/list.html", "jobs/_jobs.html", context)


@require_GET
@member_required
def job_detail(request: MemberRequest, job_id: UUID) -> HttpResponse:
    job = access.get_job(request, job_id)
    context = {"job": job, "ends_in_ms": job.ends_in_ms(timezone.now())}
    return render_page(request, "jobs/detail.html", "jobs/_job.html", context)


@require_POST
@member_required
def cancel_job(request: MemberRequest, job_id: UUID) -> HttpResponse:
    job = access.get_job(request, job_id)
    actions.cancel(job)
    messages.success(request, _("It stops after the step it is in. What was done is kept."))
    return redirect(job)
