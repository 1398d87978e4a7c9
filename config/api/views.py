"""The base of every view of the API: who asks, how often, whether they may, and the manners.

    class AgentDetail(ApiView):
        operations = {"GET": Operation("get_agent", Scope.AGENTS_READ, gives=AgentSerializer)}

        def get(self, request: Request, agent_id: UUID) -> Response:
            return self.one(AgentSerializer, access.get_agent(self.asked, agent_id))

`self.asked` is Django's request with what our middleware and `identify` put on it: what the
`access` and `actions` of every app take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.callers import identify, in_the_name_of
from accounts.http import ApiRequest
from accounts.models import User
from config.api import etags, recent
from config.api.deprecation import Deprecation
from config.api.operations import Operation
from config.api.problems import Problem, error, invalid_body, invalid_parameters
from config.api.schema import Schema
from config.api.serializers import Resource, chosen
from config.throttles import TierThrottle, headers_of


class ApiView(APIView):
    """One address of the API, and what each method does that it answers."""

    operations: ClassVar[Mapping[str, Operation]] = {}
    # The chapter of the documentation.
    tag: ClassVar[str] = ""
    chooses_fields: ClassVar[bool] = True
    is_list: ClassVar[bool] = False
    # Methods that take the filters of `filter_form` in the URL.
    filtered: ClassVar[tuple[str, ...]] = ("GET",)
    # Parameters besides `fields` and `include`, with what they mean.
    parameters: ClassVar[Mapping[str, str]] = {}
    deprecated: ClassVar[Deprecation | None] = None
    throttle_classes: Any = (TierThrottle,)
    schema = Schema()

    asked: ApiRequest
    is_identified = False
    # Of the one thing that is read or changed; what `If-Match` is compared with.
    version = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.asked = cast(ApiRequest, request)
        self.throttles: list[BaseThrottle] = []
        began = time.monotonic()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        with ExitStack() as self.contexts:
            try:
                response = super().dispatch(request, *args, **kwargs)
                status = response.status_code
            finally:
                is_known = self.is_identified
                if is_known or status == HTTPStatus.UNAUTHORIZED:
                    took_ms = int((time.monotonic() - began) * 1000)
                    recent.note(self.asked, status=status, took_ms=took_ms, is_known=is_known)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Known first, then counted, then let in: a stranger is counted by address."""
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        if request.method == "OPTIONS":
            return
        self.identify(request)
        self.check_throttles(request)
        self.check_scope(request)
        self.check_body()

    def identify(self, request: Request) -> None:
        try:
            identify(self.asked)
        except Problem:
            self.check_throttles(request)
            raise
        request.user = cast(User, self.asked.user)
        self.is_identified = True
        self.contexts.enter_context(in_the_name_of(self.asked))

    def get_authenticators(self) -> list[Any]:
        """None of DRF's: who asks is found by `identify`."""
        return []

    def get_throttles(self) -> list[BaseThrottle]:
        self.throttles = super().get_throttles()
        return self.throttles

    def check_scope(self, request: Request) -> None:
        # HEAD is answered by what answers GET.
        method = "GET" if request.method == "HEAD" else request.method or ""
        operation = self.operations.get(method)
        scope = operation.scope if operation else None
        if scope is not None and scope not in self.asked.standing.scopes:
            raise Problem(
                403,
                "scope-missing",
                _("Not allowed"),
                _("This takes the scope %(scope)s. Nothing was done.") % {"scope": scope.value},
                errors=[error("", scope.value, "scope")],
            )

    def check_body(self) -> None:
        """Raises `Problem` for a body where none is read: a filter in it would be passed over."""
        operation = self.operations.get(self.asked.method or "")
        if operation is None or operation.takes is not None or self.asked.method == "GET":
            return
        if self.asked.body.strip() not in (b"", b"{}"):
            sentence = _("No body is read here; filters stand in the URL. Nothing was done.")
            raise invalid_body([error("", sentence, "unknown")])

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Which methods there are; for the question browsers ask before others ask theirs."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def one(self, serializer: type[Resource], row: Any) -> Response:
        """The answer that shows one thing, with its version, and what of it was asked for."""
        self.check_parameters(serializer)
        self.version = serializer.version_of(row)
        return Response(serializer(row, **chosen(self.asked.GET, serializer)).data)

    def made(
        self, serializer: type[Resource], row: Any, *, status: int = 201, location: str = ""
    ) -> Response:
        """The answer to a change: what came of it, and its address."""
        headers = {"Location": self.asked.build_absolute_uri(location)} if location else None
        if self.asked.method == "PATCH":
            self.version = serializer.version_of(row)
        return Response(serializer(row).data, status=status, headers=headers)

    def with_secret(self, answer: Any) -> Any:
        """An answer to a POST, with what must not be kept for its Idempotency-Key."""
        return answer

    def check_parameters(
        self, serializer: type[Resource] | None = None, known: Iterable[str] = ()
    ) -> None:
        """Raises `Problem` for a parameter that nothing reads."""
        names = {*known, *self.parameters, *({"fields", "include"} if serializer else ())}
        unknown = [name for name in self.asked.GET if name not in names]
        if unknown:
            raise invalid_parameters(
                [error(name[:40], _("There is no such parameter."), "unknown") for name in unknown]
            )

    def check_version(self, serializer: type[Resource], row: Any) -> None:
        """Raises `Problem` 412 when `If-Match` names another version than `row` is."""
        header = self.asked.headers.get("If-Match", "")
        etags.check_version(header, serializer.version_of(row) if header else "")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        is_shown = request.method in ("GET", "HEAD") or self.version
        if is_shown and isinstance(response, Response):
            response = self._with_etag(response)
        for throttle in self.throttles:
            if isinstance(throttle, TierThrottle):
                for name, value in headers_of(throttle).items():
                    told = response.headers.get(name)
                    response.headers[name] = f"{told}, {value}" if told else value
        if self.deprecated is not None:
            self.deprecated.announce(response)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _with_etag(self, response: Response) -> HttpResponseBase:
        if response.status_code != HTTPStatus.OK:
            return response
        response.render()
        tag = etags.etag(response.content, self.version)
        response.headers["ETag"] = tag
        header = self.asked.headers.get("If-None-Match", "")
        if header and self.asked.method != "PATCH" and etags.is_known(header, tag):
            unchanged = HttpResponseNotModified()
            unchanged.headers["ETag"] = tag
            return unchanged
        return response
