"""Pages whose address is a secret, such as an invitation's link."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpResponse

from accounts.http import VisitorRequest
from config.addresses import client_address
from config.limits import is_over_limit

P = ParamSpec("P")
View = Callable[Concatenate[VisitorRequest, P], HttpResponse]


def may_try_link(request: VisitorRequest) -> bool:
    """Counts links that lead nowhere like attempts to sign in; forms are counted already."""
    key = f"address:{client_address(request)}"
    return request.method == "POST" or not is_over_limit(
        request, "sign-in", key, settings.SIGN_IN_LIMIT
    )


def hides_its_address(view: View[P]) -> View[P]:
    """For pages whose address is a secret: no request from them says where it comes from. Not
    `no-referrer`: browsers then send forms from the origin `null`, which is no origin of ours."""

    @wraps(view)
    def wrapper(request: VisitorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "strict-origin"
        return response

    return wrapper
