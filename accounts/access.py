"""Who may enter where, and what they may do there. The one place that decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, cast

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts.http import MemberRequest, OperatorRequest, VisitorRequest
from accounts.models import Membership, User
from tenants.models import Organization
from tenants.scope import door

SESSION_HOST_KEY = "organization"
OPERATOR = "operator"

# Whether the person this request is for sees whole phone numbers. Masked unless said otherwise,
# so that what forgets to ask shows too little instead of too much.
_sees_personal_data: ContextVar[bool] = ContextVar("sees_personal_data", default=False)

P = ParamSpec("P")
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponse]
OperatorView = Callable[Concatenate[OperatorRequest, P], HttpResponse]
AnyView = Callable[Concatenate[VisitorRequest, P], HttpResponse]


def host_key(organization: Organization | None) -> str:
    """What a session is bound to: one organization, or the operator host."""
    return str(organization.pk) if organization else OPERATOR


def session_is_for_this_host(request: VisitorRequest) -> bool:
    return bool(request.session.get(SESSION_HOST_KEY) == host_key(request.organization))


def find_membership(user: User, organization: Organization | None) -> Membership | None:
    if organization is None:
        return None
    with door():
        return Membership.objects.filter(user=user, organization=organization).first()


def membership_of(request: VisitorRequest) -> Membership | None:
    user = request.user
    return find_membership(user, request.organization) if isinstance(user, User) else None


def may_sign_in(user: User, organization: Organization | None) -> bool:
    """Super admins on the operator host, members on their organization's; nobody else."""
    if organization is None:
        return user.is_super_admin
    return find_membership(user, organization) is not None


class _Verifiable(Protocol):
    """What django-otp's middleware adds to the user of a request."""

    def is_verified(self) -> bool: ...


def is_verified_super_admin(user: User | AnonymousUser) -> bool:
    """Whether the user of a request is a super admin who gave their second factor."""
    return isinstance(user, User) and user.is_super_admin and cast(_Verifiable, user).is_verified()


def may_be_here(request: VisitorRequest) -> bool:
    if not session_is_for_this_host(request):
        return False
    if request.organization is None:
        return is_verified_super_admin(request.user)
    return request.membership is not None


def _to_sign_in(request: VisitorRequest) -> HttpResponse:
    return redirect_to_login(request.get_full_path(), reverse("accounts:sign_in"))


def member_required(view: MemberView[P]) -> AnyView[P]:
    """For pages of an organization that every member may read."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.organization is None:
            raise Http404
        if request.membership is None:
            return _to_sign_in(request)
        return view(cast(MemberRequest, request), *args, **kwargs)

    return wrapper


def admin_required(view: MemberView[P]) -> AnyView[P]:
    """For what only an organization's admins may do: 403 for its viewers."""

    @wraps(view)
    @member_required
    def wrapper(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.membership.is_admin:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return wrapper


def super_admin_required(view: OperatorView[P]) -> AnyView[P]:
    """For the operator host: super admins who gave their second factor."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.organization is not None:
            raise Http404
        if not is_verified_super_admin(request.user):
            return _to_sign_in(request)
        return view(cast(OperatorRequest, request), *args, **kwargs)

    return wrapper


def is_admin(request: HttpRequest) -> bool:
    membership: Membership | None = getattr(request, "membership", None)
    return membership is not None and membership.is_admin


def sees_personal_data() -> bool:
    return _sees_personal_data.get()


@contextmanager
def personal_data_as(membership: Membership | None) -> Iterator[None]:
    """For the length of a request, what `sees_personal_data` answers: admins yes, viewers no."""
    token = _sees_personal_data.set(membership is not None and membership.is_admin)
    try:
        yield
    finally:
        _sees_personal_data.reset(token)
