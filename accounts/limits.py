"""How often somebody may try to come in, look at pages, and export. The tiers: `config.limits`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.http import HttpResponse

from accounts import devices
from accounts.access import host_key
from accounts.http import VisitorRequest
from accounts.models import User, normalize_email
from config.addresses import client_address
from config.errors import too_many_requests
from config.limits import seconds_to_wait

P = ParamSpec("P")
View = Callable[Concatenate[VisitorRequest, P], HttpResponse]
RETRY_AFTER_SECONDS = 300


def limited_sign_in(view: View[P]) -> View[P]:
    """Counts attempts by address, and by the account tried, whatever the address."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST" and (wait := _sign_in_wait(request)):
            return too_many_requests(request, wait)
        return view(request, *args, **kwargs)

    return wrapper


def _sign_in_wait(request: VisitorRequest) -> int:
    # An office shares an address: tries at one organization's host lock nobody out of another.
    address = f"address:{client_address(request)}:{host_key(request.organization)}"
    wait = seconds_to_wait(request, "sign-in", address, settings.SIGN_IN_LIMIT)
    if email := request.POST.get("email"):
        wait = max(wait, account_wait(request, email))
    return wait


def account_wait(request: VisitorRequest, email: str) -> int:
    """Counts one try of an account's password, from any address and on any page that takes one."""
    key = _account_key(request, normalize_email(email))
    return seconds_to_wait(request, "sign-in-account", key, settings.SIGN_IN_ACCOUNT_LIMIT)


def _account_key(request: VisitorRequest, email: str) -> str:
    """The account; a browser it was signed in from before has an allowance of its own, so that
    nobody can lock a person out by guessing their password all day."""
    token = devices.token_of(request)
    if token and devices.is_known(token, email):
        return f"account:{email}:device:{token}"
    return f"account:{email}"


def may_try_code(request: VisitorRequest, user: User) -> bool:
    """Counts codes by account, from any address. Nobody tries uncounted: a code is short."""
    key = f"account:{user.pk}"
    waits = [
        seconds_to_wait(request, "second-factor", key, rate, closed=True)
        for rate in settings.SECOND_FACTOR_LIMITS
    ]
    return not any(waits)


def page_wait(request: VisitorRequest, *, is_refresh: bool) -> int:
    """Counts one page of this person, or of this address; parts that open pages fetch by
    themselves are counted apart."""
    user = request.user
    who = f"user:{user.pk}" if isinstance(user, User) else f"address:{client_address(request)}"
    if is_refresh:
        return seconds_to_wait(request, "refreshes", who, settings.REFRESH_LIMIT)
    return seconds_to_wait(request, "pages", who, settings.PAGE_LIMIT)


def limited_export(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """For exports and reports. Below the decorator that lets people in."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(VisitorRequest, args[0])
        key = f"user:{request.user.pk}"
        if wait := seconds_to_wait(request, "exports", key, settings.EXPORT_LIMIT):
            return too_many_requests(request, wait)
        return view(*args, **kwargs)

    return wrapper
