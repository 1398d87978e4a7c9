"""Exports: ask for a file, poll, download."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import may
from accounts.http import MemberRequest
from accounts.roles import Right
from accounts.scopes import Scope
from calls.chat_filters import ChatFilter
from calls.filters import CallFilter
from config.api import etags
from config.api.idempotency import idempotent
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import Problem, conflict, error, invalid_body
from config.api.serializers import Body, read
from config.api.views import ApiView
from config.throttles import ExportThrottle
from exports import access, actions, columns, downloads, totals
from exports.api.serializers import (
    EXAMPLE,
    WISH,
    WISH_OF_CHATS,
    ExportSerializer,
    WishOfChatsSerializer,
    WishSerializer,
)
from exports.forms import MASKED, WHOLE, ExportForm
from exports.models import Format
from exports.subjects import ABOUT, Subject

MEDIA_TYPES = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/pdf",
)


class _AskingView(ListView):
    """For a file of what the filters in the URL of a POST leave."""

    tag = "exports"
    subject = Subject.CALLS
    wish_serializer: type[Body] = WishSerializer
    filter_form = CallFilter
    filtered = ("POST",)

    def ask(self, request: Request) -> Response:
        asked = cast(MemberRequest, self.asked)
        selection = ABOUT[self.subject].selection.from_request(asked)
        self.check_filters(selection.form)
        form = self._form(read(self.wish_serializer, request.data))
        self._count(request)
        found = totals.quickly(selection.calls())
        try:
            export = actions.ask(
                asked.organization, selection, form.wish, user=self.asked.user,
                total=found.calls if found else None,
            )  # fmt: skip
        except actions.ExportError as refused:
            raise invalid_body([error("columns", str(refused))]) from refused
        location = f"/api/v1/exports/{export.pk}"
        return self.made(ExportSerializer, export, status=202, location=location)

    def _count(self, request: Request) -> None:
        """Not before it is one: what is refused, and what is only answered again, is no export."""
        throttle = ExportThrottle()
        self.throttles.append(throttle)
        if not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait())

    def _form(self, wish: dict[str, Any]) -> ExportForm:
        """What the page's form says of it, too."""
        if wish.get("numbers") == WHOLE and not may(self.asked, Right.EXPORT_PERSONAL_DATA):
            raise Problem(
                403,
                "scope-missing",
                _("Not allowed"),
                _("Whole numbers take the scope personal:read. Nothing was done."),
                errors=[error("numbers", Scope.PERSONAL_READ.value, "scope")],
            )
        available = ABOUT[self.subject].columns
        data = {"columns": columns.default_codes(available), "numbers": MASKED, **wish}
        if data["format"] == Format.PDF and "columns" not in wish:
            usual = columns.chosen(data["columns"], available)
            data["columns"] = [column.code for column in columns.for_report(usual)]
        form = ExportForm(
            {**data, "columns": list(data["columns"])},
            may_take=may(self.asked, Right.EXPORT_PERSONAL_DATA),
            subject=self.subject,
        )
        if not form.is_valid():
            raise invalid_body(
                [
                    error(name, str(message))
                    for name, messages in form.errors.items()
                    for message in messages
                ]
            )
        return form


class ExportList(_AskingView):
    resource = "exports"
    operations = {
        "GET": Operation(
            "list_exports", Scope.EXPORTS, gives=ExportSerializer, many=True, example=EXAMPLE
        ),
        "POST": Operation(
            "ask_for_export", Scope.EXPORTS, gives=ExportSerializer, example=EXAMPLE, status=202,
            takes=WishSerializer, takes_example=WISH,
        ),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        """Exports that this key or person asked for; an admin's tokens see all."""
        exports = access.exports_of(cast(MemberRequest, self.asked))
        return self.page(exports, ExportSerializer)

    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a file of calls.

        The filters stand in the URL and are those of the list of calls. Poll the answer's address
        until its state is ready."""
        return self.ask(request)


class ChatExports(_AskingView):
    subject = Subject.CHATS
    wish_serializer = WishOfChatsSerializer
    filter_form = ChatFilter
    operations = {
        "POST": Operation(
            "ask_for_export_of_chats", Scope.EXPORTS, gives=ExportSerializer,
            example=EXAMPLE | {"subject": "chats"}, status=202, takes=WishOfChatsSerializer,
            takes_example=WISH_OF_CHATS,
        )
    }  # fmt: skip

    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a file of chats.

        The filters stand in the URL and are those of the list of chats. Poll the answer's address
        until its state is ready."""
        return self.ask(request)


class ExportDetail(ApiView):
    tag = "exports"
    operations = {
        "GET": Operation("get_export", Scope.EXPORTS, gives=ExportSerializer, example=EXAMPLE)
    }

    def get(self, request: Request, export_id: UUID) -> Response:
        """How far an export is, and where its file is."""
        export = access.get_export(cast(MemberRequest, self.asked), export_id)
        return self.one(ExportSerializer, export)


class ExportDownload(ApiView):
    tag = "exports"
    chooses_fields = False
    operations = {
        "GET": Operation(
            "download_export", Scope.EXPORTS, media_types=MEDIA_TYPES, problems=(409, 416)
        )
    }

    def perform_content_negotiation(self, request: Any, force: bool = False) -> Any:
        """Whatever kind of file is accepted: each export is of one kind. Refusals are JSON."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """The file. A download that broke off goes on with Range.

        Each part that is fetched stands in the audit log."""
        self.check_parameters()
        asked = cast(MemberRequest, self.asked)
        export = access.get_file(asked, export_id)
        if not export.is_ready(timezone.now()):
            raise conflict("not-ready", _("There is no file yet, or no more. See its state."))
        tag = downloads.etag(export)
        if etags.is_known(self.asked.headers.get("If-None-Match", ""), tag):
            return HttpResponseNotModified(headers={"ETag": tag})
        actions.note_download(export)
        response = downloads.file_response(
            export,
            asked.organization,
            byte_range=self.asked.headers.get("Range", ""),
            if_range=self.asked.headers.get("If-Range", ""),
            head=False,
        )
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _behind_the_end(response)
        return response


def _behind_the_end(response: HttpResponseBase) -> Problem:
    return Problem(
        416,
        "range-not-satisfiable",
        _("The range begins behind the end"),
        _("Content-Range says how long the file is. If you have all of it, you are done."),
        headers={"Content-Range": response.headers["Content-Range"]},
    )
