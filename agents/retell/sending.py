"""One request: its budget, its tries and waits, and how large and slow its answer may be."""

from __future__ import annotations

import hashlib
import re
import time
import weakref
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import Any

import httpx
from django.conf import settings
from retell import APIConnectionError, APIStatusError, Retell

from agents.retell import errors, waits
from agents.retell.errors import Kind, RetellApiError
from config.budgets import Budget
from config.json_reader import UnreadableJson, read_json

CONNECT_SECONDS = 5.0
# Lets a browser join a call's room: must not be stored, logged or shown.
FORBIDDEN_KEYS = frozenset({"access_token"})
_KEY = re.compile(r"[\x21-\x7e]{1,500}")
# Nothing was sent, so that even a change may be tried again.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TRIED_AGAIN = {Kind.RATE_LIMITED, Kind.UNAVAILABLE, Kind.UNREADABLE}

Sleep = Callable[[float], None]


class Route(StrEnum):
    """What Retell counts apart, for each workspace."""

    LIST = "list"
    GENERAL = "general"


class _TooLarge(Exception):
    pass


class _Encoded(Exception):
    pass


class _Bounded(httpx.SyncByteStream):
    """An answer's bytes, until they are too many or take too long."""

    def __init__(self, stream: httpx.SyncByteStream, max_bytes: int, seconds: float) -> None:
        self._stream = stream
        self._bytes_left = max_bytes
        self._until = time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._bytes_left -= len(chunk)
            if self._bytes_left < 0:
                raise _TooLarge
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("The answer did not end in time.")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _bound(response: httpx.Response, *, max_bytes: int, seconds: float) -> None:
    # What was asked for plainly could unpack to any size.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _Encoded
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _Bounded(response.stream, max_bytes, seconds)


class Sender:
    """Sends what the SDK builds, for one key. `sdk`: its resources, raw answers only."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        workspace_id: str,
        share: float,
        timeout_seconds: float | None,
        patience_seconds: float | None,
        sleep: Sleep,
    ) -> None:
        seconds = timeout_seconds or settings.RETELL_TIMEOUT_SECONDS
        self._api_key = api_key
        self._timeout = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        self._patience = (
            settings.RETELL_PATIENCE_SECONDS if patience_seconds is None else patience_seconds
        )
        self._sleep = sleep
        self._budgets = _budgets(workspace_id or _fingerprint(api_key), share)
        bound = partial(_bound, max_bytes=settings.RETELL_MAX_BODY_BYTES, seconds=seconds)
        http = httpx.Client(follow_redirects=False, event_hooks={"response": [bound]})
        self.close = weakref.finalize(self, http.close)
        self.sdk = Retell(
            api_key=api_key,
            base_url=base_url or settings.RETELL_BASE_URL,
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=http,
        )

    def send(
        self,
        request: Callable[..., Any],
        *arguments: Any,
        route: Route = Route.GENERAL,
        write: bool = False,
        **fields: Any,
    ) -> Any:
        """The answer's JSON, None if it is empty. Raises `RetellApiError`.

        A `write` is tried again only when Retell did not take it for certain.
        """
        if not _KEY.fullmatch(self._api_key):
            raise RetellApiError(Kind.KEY_REFUSED, sentence=errors.NO_KEY)
        patience = self._patience
        attempt = 0
        while True:
            attempt += 1
            patience = self._take(self._budgets[route], patience)
            try:
                return self._once(request, *arguments, **fields)
            except RetellApiError as error:
                if write and _may_be_done(error):
                    raise error.with_unknown_outcome() from None
                pause = self._pause(error, attempt, self._budgets[route])
                if pause is None or pause > patience:
                    raise
            patience -= pause
            self._sleep(pause)

    def _take(self, budget: Budget, patience: float) -> float:
        """Waits for one of the budget; the patience that is left."""
        while wait := budget.take():
            if wait > patience:
                raise RetellApiError(Kind.RATE_LIMITED, retry_after_seconds=wait)
            wait += waits.jitter()
            self._sleep(wait)
            patience -= wait
        return patience

    def _pause(self, error: RetellApiError, attempt: int, budget: Budget) -> float | None:
        """How long before the next try; None: there is none. All jobs wait out a 429."""
        pause = waits.pause(attempt, error.retry_after_seconds)
        if error.kind == Kind.RATE_LIMITED:
            budget.hold(pause)
        if error.kind not in _TRIED_AGAIN or attempt >= settings.RETELL_TRIES:
            return None
        return pause

    def _once(self, request: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
        """Errors are raised outside of `except`: the SDK's own hold the request, and so the key."""
        failure: RetellApiError
        try:
            # Each time, or the SDK would wait five minutes for a list.
            response = request(*arguments, timeout=self._timeout, **fields).http_response
        except APIStatusError as error:
            failure = self._refused(error.response)
        except APIConnectionError as error:
            failure = _not_reached(error.__cause__)
        else:
            return _json(response)
        raise failure

    def _refused(self, response: httpx.Response) -> RetellApiError:
        try:
            answer = _json(response)
        except RetellApiError:
            answer = None
        return errors.of_status(
            response.status_code,
            answer,
            api_key=self._api_key,
            retry_after_seconds=waits.asked(response.headers),
        )


def _budgets(who: str, share: float) -> dict[Route, Budget]:
    seconds = settings.RETELL_BUDGET_SECONDS
    limits = {
        Route.LIST: settings.RETELL_LIST_BUDGET,
        Route.GENERAL: settings.RETELL_GENERAL_BUDGET,
    }
    return {
        route: Budget(f"retell:{who}:{route}", max(1, int(limit * share)), seconds)
        for route, limit in limits.items()
    }


def _fingerprint(api_key: str) -> str:
    """Whom to count for while the workspace is not known; no way back to the key."""
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _not_reached(cause: BaseException | None) -> RetellApiError:
    if isinstance(cause, _TooLarge):
        return RetellApiError(Kind.TOO_LARGE)
    if isinstance(cause, _Encoded):
        return RetellApiError(Kind.UNREADABLE, detail="An answer in an encoding not asked for.")
    error = RetellApiError(Kind.UNAVAILABLE)
    error.never_sent = isinstance(cause, _NEVER_SENT)
    return error


def _may_be_done(error: RetellApiError) -> bool:
    """Whether Retell may have made the change although it did not say so."""
    failed = error.kind in (Kind.UNAVAILABLE, Kind.UNREADABLE, Kind.TOO_LARGE)
    return failed and not error.never_sent and not 300 <= (error.status or 0) < 400


def _json(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return read_json(response.content, FORBIDDEN_KEYS)[0]
    except UnreadableJson as error:
        failure = RetellApiError(
            Kind.UNREADABLE, status=response.status_code, detail=f"{error.code}: {error}"
        )
    raise failure
