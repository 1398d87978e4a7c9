"""`Idempotency-Key`: a POST that is sent again has no second effect, and the same answer.

The key is claimed by a row, in the transaction of the effect itself: whoever comes with the same
key meanwhile waits at the unique index, and then finds the answer. If the effect fails, the claim
goes with it. PostgreSQL keeps the answers, not Redis, whose loss would let effects happen twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.http import ApiRequest
from accounts.models import IdempotentAnswer
from config.api.problems import Problem, conflict, error
from config.api.views import ApiView

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

P = ParamSpec("P")
V = TypeVar("V", bound=ApiView)
Handler = Callable[Concatenate[V, Request, P], Response]


def idempotent(handler: Handler[V, P]) -> Handler[V, P]:
    """For every POST of the API. All of it is one transaction. The answer is kept as `handler`
    gives it; what must not be kept, `ApiView.with_secret` puts in, each time."""

    @wraps(handler)
    def wrapper(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        with transaction.atomic():
            response = _once(view, key, lambda: handler(view, request, *args, **kwargs))
            response.data = view.with_secret(response.data)
            return response

    wrapper.is_idempotent = True  # type: ignore[attr-defined]  # a test looks for it
    return wrapper


def _once(view: ApiView, key: str | None, answer: Callable[[], Response]) -> Response:
    if key is None:
        return answer()
    claim, is_ours = _claim(view.asked, _checked(key), committed=False)
    if not is_ours:
        return _again(claim)
    response = answer()
    _keep(claim, response)
    return response


def idempotent_in_steps(handler: Handler[V, P]) -> Handler[V, P]:
    """For what cannot be one transaction, because a worker must see its first step. The claim is
    committed first; who comes meanwhile is told to wait."""

    @wraps(handler)
    def wrapper(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        claim, is_ours = _claim(view.asked, _checked(key), committed=True)
        if not is_ours:
            return _again(claim)
        try:
            response = handler(view, request, *args, **kwargs)
        except BaseException:
            claim.delete()
            raise
        _keep(claim, response)
        return response

    wrapper.is_idempotent = True  # type: ignore[attr-defined]  # a test looks for it
    return wrapper


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        sentence = _("Write 1 to 255 visible characters, such as a UUID.")
        raise Problem(
            400,
            "invalid-idempotency-key",
            _("The Idempotency-Key cannot be used"),
            sentence,
            errors=[error(HEADER, sentence)],
        )
    return key


# A claim without an answer this old is of a process that was killed.
ABANDONED = timedelta(minutes=5)


def _claim(request: ApiRequest, key: str, *, committed: bool) -> tuple[IdempotentAnswer, bool]:
    """The row of a key, and whether this request made it. Raises `Problem` for another body."""
    now = timezone.now()
    own = IdempotentAnswer(
        organization=request.organization,
        caller_id=request.user.pk,
        key=key,
        request_sha256=_fingerprint(request),
        asked_at=now,
    )
    rows = IdempotentAnswer.objects.filter(
        organization=request.organization, caller_id=request.user.pk, key=key
    )
    rows.filter(asked_at__lte=now - IdempotentAnswer.KEPT).delete()
    if committed:
        rows.filter(asked_at__lte=now - ABANDONED, status=None).delete()
    # Waits while another transaction holds the same key.
    IdempotentAnswer.objects.bulk_create([own], ignore_conflicts=True)
    found = rows.get()
    if bytes(found.request_sha256) != own.request_sha256:
        raise conflict(
            "idempotency-key-used",
            _("This Idempotency-Key came with another request before. Nothing was done."),
        )
    return found, found.pk == own.pk


def _fingerprint(request: ApiRequest) -> bytes:
    """Of what is asked; of the body as it was sent, which DRF has not read yet."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(request.body)
    return digest.digest()


def _again(claim: IdempotentAnswer) -> Response:
    if claim.status is None:
        raise Problem(
            409,
            "in-progress",
            _("The first request of this key is still being worked on"),
            _("Nothing was done a second time. Ask again in a moment."),
            headers={"Retry-After": "2"},
        )
    headers = {"Idempotency-Replayed": "true"}
    if claim.location:
        headers["Location"] = claim.location
    return Response(claim.body, status=claim.status, headers=headers)


def _keep(claim: IdempotentAnswer, response: Response) -> None:
    """What was done; refusals were raised, and are not kept."""
    assert response.status_code < HTTPStatus.BAD_REQUEST
    claim.status = response.status_code
    claim.body = json.loads(json.dumps(response.data, cls=JSONEncoder))
    claim.location = response.headers.get("Location", "")
    claim.save(update_fields=["status", "body", "location"])
