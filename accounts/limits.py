"""How often someone may try to come in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpResponse

from accounts.http import VisitorRequest
from accounts.models import User
from config.addresses import client_address
from config.errors import too_many_requests
from config.limits import is_over_limit

P = ParamSpec("P")
View = Callable[Concatenate[VisitorRequest, P], HttpResponse]
RETRY_AFTER_SECONDS = 300


def limited_sign_in(view: View[P]) -> View[P]:
    """Counts attempts by address, and by the account tried, on this host."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST":
            address = client_address(request)
            keys = [f"address:{address}"]
            if email := request.POST.get("email"):
                keys.append(f"account:{email.strip().lower()}:{address}")
            if any(is_over_limit(request, "sign-in", key, settings.SIGN_IN_LIMIT) for key in keys):
                return too_many_requests(request, RETRY_AFTER_SECONDS)
        return view(request, *args, **kwargs)

    return wrapper


def may_try_code(request: VisitorRequest, user: User) -> bool:
    """Counts codes by account, from any address. Nobody tries uncounted: a code is short."""
    key = f"account:{user.pk}"
    over = [
        is_over_limit(request, "second-factor", key, rate, closed=True)
        for rate in settings.SECOND_FACTOR_LIMITS
    ]
    return not any(over)
