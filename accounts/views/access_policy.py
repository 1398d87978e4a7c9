"""Who needs a second factor, and what viewers and the operator may do."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import confirmation_required, policy_of, right_required
from accounts.actions import access_policy as actions
from accounts.forms import AccessPolicyForm
from accounts.http import MemberRequest
from accounts.models import AccessPolicy
from accounts.roles import SUPER_ADMIN, TABLE, Allowed, Right, Role, rights_of
from tenants.scope import door

COLUMNS = {Role.ADMIN: "Admin", Role.VIEWER: "Viewer", SUPER_ADMIN: "Operator"}


@dataclass(frozen=True, slots=True)
class Cell:
    yes: bool
    by_policy: bool


@require_http_methods(["GET", "POST"])
@right_required(Right.MANAGE_ACCESS)
@confirmation_required
def access_policy(request: MemberRequest) -> HttpResponse:
    with door():
        policy = policy_of(request.organization)
    table = role_table(policy)
    # With every switch off a browser sends no field at all: that is an answer, too.
    sent = request.POST if request.method == "POST" else None
    form = AccessPolicyForm(sent, instance=policy)
    if form.is_valid():
        listed = request.POST.get("listed", "")
        try:
            changed = actions.save_policy(request.organization, form.instance, listed=listed)
        except actions.WouldBeHeld as would:
            context = {"form": form, "held": would, "was_listed": bool(listed)}
            return render(request, "accounts/access_policy_confirm.html", context)
        messages.success(request, _("Access was saved.") if changed else _("Nothing was changed."))
        return redirect("accounts:access_policy")
    context = {"form": form, "columns": COLUMNS.values(), "rows": table}
    return render(request, "accounts/access_policy.html", context)


def role_table(policy: AccessPolicy) -> list[tuple[str, list[Cell]]]:
    """accounts/roles.py as it is in force here: a description, and a cell for each column."""
    rights = {role: rights_of(role, policy.viewers_rights) for role in COLUMNS}
    return [
        (
            right.description,
            [Cell(right in rights[role], TABLE[right][role] == Allowed.POLICY) for role in COLUMNS],
        )
        for right in Right
    ]
