"""The API's document (OpenAPI 3.1), read from what the views say of their operations."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from config.api.documents import MEDIA_TYPE
from config.api.filters import parameters_of
from config.api.operations import DEFAULT_LIMIT, MOST_ROWS, Operation
from config.api.serializers import Body, Resource

_QUERY: Any = OpenApiParameter.QUERY
_HEADER: Any = OpenApiParameter.HEADER
# What each refusal means; every operation lists those it can give.
_PROBLEMS = {
    400: "A parameter, header or body is not as it should be; `errors` says which.",
    401: "No credential, or one that does not count here.",
    403: "The credential lacks the scope, or its person the right.",
    404: "There is none here.",
    406: "No such format.",
    409: "It cannot be done as things stand, or the Idempotency-Key came with another request.",
    412: "It was changed since the version that If-Match names.",
    413: "The body is larger than what is read.",
    415: "The body is not JSON.",
    416: "The range begins behind the end of the file.",
    429: "Too many requests; Retry-After says for how long.",
    503: "Not available for the moment; Retry-After says for how long.",
}
_ALWAYS = (400, 401, 403, 406, 429, 503)


class ErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Which parameter or field; empty for all of them.")
    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="Stable, for programs.")


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457). Compare `type`, which is stable; show `detail`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(help_text="Tell it to the operator.")
    errors: Any = ErrorSerializer(many=True, required=False)


def page_of(serializer: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """`CallPage`: what a list answers."""
    name = serializer.__name__.removesuffix("Serializer")
    fields = {
        "data": serializer(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The older page; null at the end."),
        "previous": serializers.URLField(allow_null=True, help_text="The newer page."),
    }
    return type(f"{name}PageSerializer", (serializers.Serializer,), fields)


class Schema(AutoSchema):
    # An `ApiView`, which knows this class.
    view: Any

    @property
    def operation(self) -> Operation:
        found: Operation = self.view.operations[self.method]
        return found

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self._docstring().partition("\n\n")[0].replace("\n", " ")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        rest = self._docstring().partition("\n\n")[2]
        scope = self.operation.scope
        return "\n\n".join(part for part in (rest, scope and f"Scope: `{scope.value}`.") if part)

    def _docstring(self) -> str:
        return inspect.getdoc(getattr(self.view, self.method.lower())) or ""

    def is_deprecated(self) -> bool:
        return self.view.deprecated is not None

    def get_auth(self) -> list[dict[str, list[str]]]:
        scope = self.operation.scope
        return [{"bearer": [scope.value]}] if scope else []

    def get_request_serializer(self) -> Any:
        return self.operation.takes

    def get_response_serializers(self) -> Any:
        operation = self.operation
        found: dict[Any, Any] = {}
        for media_type in operation.media_types:
            kind = OpenApiTypes.STR if media_type.startswith("text/") else OpenApiTypes.BINARY
            found[(operation.status, media_type)] = kind
            found[(206, media_type)] = OpenApiResponse(kind, description="The part asked for.")
        if not operation.media_types:
            found[operation.status] = OpenApiResponse(self._given(), description=self.get_summary())
        if self.method == "GET" and operation.scope:
            found[304] = OpenApiResponse(description="As If-None-Match has it.")
        for status in self._problems():
            found[(status, MEDIA_TYPE)] = OpenApiResponse(
                ProblemSerializer, description=_PROBLEMS[status]
            )
        return found

    def _given(self) -> Any:
        gives = self.operation.gives
        return page_of(gives) if gives and self.operation.many else gives

    def _problems(self) -> Iterator[int]:
        yield from _ALWAYS
        if "{" in self.path:
            yield 404
        if self.method in ("POST", "PATCH", "DELETE"):
            yield from (409, 413, 415)
        if self.method in ("PATCH", "DELETE"):
            yield 412
        yield from self.operation.problems

    def get_examples(self) -> list[OpenApiExample]:
        operation = self.operation
        found = []
        if operation.takes_example is not None:
            found.append(
                OpenApiExample("Request", value=operation.takes_example, request_only=True)
            )
        if operation.example is not None:
            found.append(
                OpenApiExample(
                    "Answer", value=self._example(), response_only=True,
                    status_codes=[str(operation.status)],
                )
            )  # fmt: skip
        return found

    def _example(self) -> Any:
        example = self.operation.example
        return (
            {"data": [example], "next": None, "previous": None} if self.operation.many else example
        )

    def get_override_parameters(self) -> list[Any]:
        return [*self._query_parameters(), *self._header_parameters()]

    def _query_parameters(self) -> Iterator[OpenApiParameter]:
        gives, view = self.operation.gives, self.view
        if self.method in view.filtered:
            yield from parameters_of(getattr(view, "filter_form", None))
        if self.method != "GET":
            return
        if view.is_list:
            limit = {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_ROWS,
                "default": DEFAULT_LIMIT,
            }
            yield OpenApiParameter("limit", limit, _QUERY)
            for name in ("after", "before"):
                yield OpenApiParameter(name, str, _QUERY, description="A cursor, as links hold it.")
        for name, description in view.parameters.items():
            yield OpenApiParameter(name, str, _QUERY, description=description)
        names = getattr(gives, "names", None)
        if names is not None and view.chooses_fields:
            yield _chosen("fields", names(), "Only these fields.")
            if includes := list(getattr(gives, "includes", ())):
                yield _chosen("include", includes, "These, too.")

    def _header_parameters(self) -> Iterator[OpenApiParameter]:
        if self.method == "GET" and self.operation.scope:
            yield OpenApiParameter("If-None-Match", str, _HEADER)
        if self.operation.media_types:
            yield OpenApiParameter("Range", str, _HEADER, description="As bytes=1024-.")
            yield OpenApiParameter("If-Range", str, _HEADER, description="The ETag of the file.")
        if self.method in ("PATCH", "DELETE"):
            yield OpenApiParameter(
                "If-Match", str, _HEADER, description="The ETag it was read with."
            )
        if self.method == "POST" and self.operation.is_idempotent:
            key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
            yield OpenApiParameter(
                "Idempotency-Key", key, _HEADER,
                description="Sent again within 24 hours, it has no second effect.",
            )  # fmt: skip

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Body):
            return schema | {"additionalProperties": False}
        if isinstance(serializer, Resource):
            schema.pop("required", None)  # `fields` may leave out any of them
        return schema

    def map_renderers(self, attribute: str) -> list[Any]:
        return ["application/json"]

    def map_parsers(self) -> list[Any]:
        return ["application/json"]


def _chosen(name: str, names: list[str], description: str) -> OpenApiParameter:
    schema = {"type": "array", "items": {"type": "string", "enum": names}}
    return OpenApiParameter(
        name, schema, _QUERY, style="form", explode=False, description=description
    )
