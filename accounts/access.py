"""Who may enter where, and what they may do there. The one place that decides it.

The table of roles is in `accounts.roles`; this module finds out which column somebody stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from accounts.factors import factors_of
from accounts.http import MemberRequest, OperatorRequest, VisitorRequest
from accounts.models import AccessPolicy, ActingInside, Membership, User
from accounts.roles import SUPER_ADMIN, Right, Role, rights_of
from accounts.scopes import Scope
from tenants.models import Organization
from tenants.scope import door

SESSION_HOST_KEY = "organization"
ACTING_KEY = "acting"
CONFIRMED_KEY = "confirmed_at"
# Where somebody was going when they were asked for something first.
NEXT_KEY = "next"
OPERATOR = "operator"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# What the person this request is for may do. Nothing unless said otherwise, so that what forgets
# to ask shows too little instead of too much.
_rights: ContextVar[frozenset[Right]] = ContextVar("rights", default=frozenset())

P = ParamSpec("P")
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponse]
OperatorView = Callable[Concatenate[OperatorRequest, P], HttpResponse]
AnyView = Callable[Concatenate[VisitorRequest, P], HttpResponse]


class Hold(Enum):
    """Why somebody who signed in stands at the door and comes no further."""

    NEEDS_FACTOR = "needs_factor"  # has none, and one is required here
    NEEDS_CODE = "needs_code"  # has one, and has not given it


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is on this host, read from the database at every request."""

    rights: frozenset[Right] = frozenset()
    membership: Membership | None = None
    acting: ActingInside | None = None
    is_operator: bool = False
    # Of a program; pages ask for rights only.
    scopes: frozenset[Scope] = frozenset()
    hold: Hold | None = None

    @property
    def may_be_here(self) -> bool:
        return bool(self.rights) or self.is_operator or self.hold is not None

    @property
    def role(self) -> str:
        if self.acting is not None or self.is_operator:
            return SUPER_ADMIN
        return self.membership.role if self.membership else ""


NOBODY = Standing()


def host_key(organization: Organization | None) -> str:
    """What a session is bound to: one organization, or the operator host."""
    return str(organization.pk) if organization else OPERATOR


def session_is_for_this_host(request: VisitorRequest) -> bool:
    return bool(request.session.get(SESSION_HOST_KEY) == host_key(request.organization))


def find_membership(user: User, organization: Organization | None) -> Membership | None:
    if organization is None:
        return None
    with door():
        return (
            Membership.objects.filter(user=user, organization=organization)
            .select_related("organization__access_policy")
            .first()
        )


def policy_of(organization: Organization) -> AccessPolicy:
    """What its admins decided, or the defaults. Unsaved when they decided nothing."""
    try:
        return organization.access_policy
    except AccessPolicy.DoesNotExist:
        return AccessPolicy(organization=organization)


def may_sign_in(user: User, organization: Organization | None) -> bool:
    """Super admins on the operator host, members on their organization's; nobody else."""
    if organization is None:
        return user.is_super_admin
    return find_membership(user, organization) is not None


class _Verifiable(Protocol):
    """What django-otp's middleware adds to the user of a request."""

    def is_verified(self) -> bool: ...


def is_verified(user: User | AnonymousUser) -> bool:
    """Whether the user of this request gave their second factor."""
    return isinstance(user, User) and cast(_Verifiable, user).is_verified()


def is_verified_super_admin(user: User | AnonymousUser) -> bool:
    """Whether the user of a request is a super admin who gave their second factor."""
    return isinstance(user, User) and user.is_super_admin and is_verified(user)


def standing_of(request: VisitorRequest) -> Standing:
    """What this person is on this host; `NOBODY` when the session is for another one."""
    user = request.user
    if not isinstance(user, User) or not session_is_for_this_host(request):
        return NOBODY
    if request.organization is None:
        return Standing(is_operator=True) if is_verified_super_admin(user) else NOBODY
    if acting_id := request.session.get(ACTING_KEY):
        return _acting(request, user, acting_id)
    membership = find_membership(user, request.organization)
    if membership is None:
        return NOBODY
    return member_standing(user, membership, verified=is_verified(user))


def _acting(request: VisitorRequest, user: User, acting_id: str) -> Standing:
    """A super admin inside an organization: read only, until the timer or they end it."""
    if not is_verified_super_admin(user):
        return NOBODY
    with door():
        acting = ActingInside.objects.filter(
            pk=acting_id, user=user, organization=request.organization
        ).first()
    if acting is None or not acting.is_running():
        return NOBODY
    return Standing(rights=rights_of(SUPER_ADMIN), acting=acting)


def member_standing(user: User, membership: Membership, *, verified: bool) -> Standing:
    """What a member is here; `verified`: they gave their second factor."""
    policy = policy_of(membership.organization)
    needs_factor = policy.requires_second_factor or user.is_super_admin
    if needs_factor and not verified:
        return Standing(membership=membership, hold=_hold(user))
    allowed = policy.viewers_rights if membership.role == Role.VIEWER else frozenset()
    return Standing(rights=rights_of(membership.role, allowed), membership=membership)


def _hold(user: User) -> Hold:
    return Hold.NEEDS_CODE if has_factor(user) else Hold.NEEDS_FACTOR


def has_factor(user: User) -> bool:
    """Whether they set up a second factor. Recovery codes alone are none."""
    with door():
        return bool(factors_of(user))


def _to_sign_in(request: VisitorRequest) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRefresh()
    return redirect_to_login(request.get_full_path(), reverse("accounts:sign_in"))


def _to_what_holds(request: VisitorRequest) -> HttpResponse:
    """Where somebody goes who signed in but misses what this organization requires.

    A part of a page that was open before has the whole page loaded anew, which leads there.
    """
    if request.htmx:
        return HttpResponseClientRefresh()
    if request.method in SAFE_METHODS:
        request.session[NEXT_KEY] = request.get_full_path()
    if request.standing.hold is Hold.NEEDS_CODE:
        return redirect("accounts:second_factor")
    return redirect("accounts:security")


def member_required(view: MemberView[P]) -> AnyView[P]:
    """For pages of an organization that everybody who is let in may read."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.organization is None:
            raise Http404
        if request.standing.hold is not None:
            return _to_what_holds(request)
        if Right.READ not in request.standing.rights:
            return _to_sign_in(request)
        if request.standing.acting is not None and request.method not in SAFE_METHODS:
            raise PermissionDenied
        return view(cast(MemberRequest, request), *args, **kwargs)

    return wrapper


def right_required(right: Right) -> Callable[[MemberView[P]], AnyView[P]]:
    """For what the table of roles does not give to everybody: 403 for those without."""

    def decorator(view: MemberView[P]) -> AnyView[P]:
        @wraps(view)
        @member_required
        def wrapper(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if right not in request.standing.rights:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return wrapper

    return decorator


def super_admin_required(view: OperatorView[P]) -> AnyView[P]:
    """For the operator host: super admins who gave their second factor."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.organization is not None:
            raise Http404
        if not request.standing.is_operator:
            return _to_sign_in(request)
        return view(cast(OperatorRequest, request), *args, **kwargs)

    return wrapper


def person_required(view: Callable[Concatenate[MemberRequest, P], HttpResponse]) -> AnyView[P]:
    """For one's own account, on either kind of host; also for those who are held at the door,
    because there they fetch what they miss. Not for a super admin who acts inside: nobody's
    credentials are changed from there."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.standing.acting is not None:
            raise PermissionDenied
        if request.standing.hold is Hold.NEEDS_CODE:
            return redirect("accounts:second_factor")
        if not request.standing.may_be_here:
            return _to_sign_in(request)
        return view(cast(MemberRequest, request), *args, **kwargs)

    return wrapper


def is_confirmed(request: HttpRequest) -> bool:
    """Whether they said who they are within the last half hour."""
    at = request.session.get(CONFIRMED_KEY)
    return at is not None and timezone.now().timestamp() - at < settings.CONFIRMED_SECONDS


def confirmation_required(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """For keys, people, domains, exports of personal data and deletion: asks for the password or a
    code again when that was more than half an hour ago. Below the decorator that lets people in."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(VisitorRequest, args[0])
        if is_confirmed(request):
            return view(*args, **kwargs)
        if request.method not in SAFE_METHODS:
            messages.info(request, "Nothing was changed yet: confirm that it is you, then repeat.")
        return redirect_to_login(_page_of(request), reverse("accounts:confirm"))

    return wrapper


def _page_of(request: VisitorRequest) -> str:
    """The page to come back to: this one, or the one whose form was sent."""
    if request.method in SAFE_METHODS:
        return request.get_full_path()
    return request.headers.get("Referer", "").partition(request.get_host())[2] or "/"


def may(request: HttpRequest, right: Right) -> bool:
    standing: Standing = getattr(request, "standing", NOBODY)
    return right in standing.rights


def sees_personal_data() -> bool:
    return Right.SEE_PERSONAL_DATA in _rights.get()


@contextmanager
def rights_for_request(rights: frozenset[Right]) -> Iterator[None]:
    """For the length of a request, what `sees_personal_data` answers from."""
    token = _rights.set(rights)
    try:
        yield
    finally:
        _rights.reset(token)
