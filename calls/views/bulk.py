"""Changing many calls: asked first, with how many there are and what they cost."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.access import may, right_required
from accounts.http import MemberRequest
from accounts.roles import Right
from calls import actions, bulk
from calls.bulk import Change, Target
from calls.forms_list import ManyBillableForm, ManyTagForm, ManyUntagForm
from calls.models import Tag
from calls.selection import Selection
from tenants.pin import pinned_schema

FORMS: dict[str, type[forms.Form]] = {
    bulk.CLASSIFY: ManyBillableForm,
    bulk.TAG: ManyTagForm,
    bulk.UNTAG: ManyUntagForm,
}
VALID_SECONDS = 3600


@require_http_methods(["GET", "POST"])
@right_required(Right.ANNOTATE_CALLS)
def change_many(request: MemberRequest) -> HttpResponse:
    """What was asked about comes back signed, so it is what is changed."""
    do = (request.POST if request.method == "POST" else request.GET).get("do", "")
    if do not in FORMS:
        return _refused(request, _("Nothing was changed: choose what to do with the calls."))
    if not may(request, bulk.RIGHTS[do]):
        raise PermissionDenied
    if request.method == "POST":
        return _change(request, do)
    selection = Selection.from_request(request)
    if not selection.is_understood:
        return _refused(request, _("Nothing was changed: a filter was not understood, and without"
                        " it this would change more than you mean."))  # fmt: skip
    if "all" not in request.GET and not selection.is_ticked:
        return _refused(request, _("Nothing was changed: tick the calls that you mean first."))
    return _ask(request, do, bulk.all_of(selection), FORMS[do]())


def _ask(request: MemberRequest, do: str, target: Target, form: forms.Form) -> HttpResponse:
    context: dict[str, Any] = {
        "do": do,
        "form": form,
        "totals": target.totals(request.organization),
        "lines": target.selection(request.organization).lines,
        "at_once": bulk.AT_ONCE,
        "target": signing.dumps(target.as_parameters(), salt=_salt()),
        "list_url": _list_url(request),
        "tag_names": Tag.objects.suggested() if do == bulk.TAG else (),
    }
    return render(request, "calls/change_many.html", context)


def _change(request: MemberRequest, do: str) -> HttpResponse:
    target = _asked(request)
    if target is None:
        return _refused(request, _("That page was too old. Nothing was changed; choose again."))
    form = FORMS[do](request.POST)
    if not form.is_valid():
        return _ask(request, do, target, form)
    try:
        change = Change.of(do, form.cleaned_data, by=request.user.email)
    except actions.TagError as error:
        form.add_error("name", str(error))
        return _ask(request, do, target, form)
    organization = request.organization
    count = target.totals(organization).calls
    if count > bulk.AT_ONCE:
        return redirect(bulk.start(organization, target, change, total=count, user=request.user))
    _say(request, bulk.apply_now(organization, target, change))
    return redirect(_list_url(request))


def _asked(request: MemberRequest) -> Target | None:
    text = request.POST.get("target", "")
    try:
        parameters = signing.loads(text, salt=_salt(), max_age=VALID_SECONDS)
    except signing.BadSignature:
        return None
    return Target.of_parameters(parameters)


def _salt() -> str:
    """No other organization can use it."""
    return f"calls.change_many:{pinned_schema()}"


def _say(request: MemberRequest, counts: dict[str, int]) -> None:
    changed, full = counts.get(bulk.CHANGED, 0), counts.get(bulk.FULL, 0)
    if full:
        text = ngettext(
            "%(count)s call has too many tags already and was left as it is.",
            "%(count)s calls have too many tags already and were left as they are.",
            full,
        )
        messages.error(request, text % {"count": full})
    if changed:
        text = ngettext("%(count)s call was changed.", "%(count)s calls were changed.", changed)
        messages.success(request, text % {"count": changed})


def _refused(request: MemberRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect(_list_url(request))


def _list_url(request: MemberRequest) -> str:
    """The list as it was: the filters stand in this page's URL, too."""
    query: QueryDict = request.GET.copy()
    for name in ("do", "all", "call"):
        query.pop(name, None)
    text = query.urlencode()
    return f"{reverse('calls:list')}{'?' if text else ''}{text}"
