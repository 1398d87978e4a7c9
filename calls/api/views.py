"""Calls, transcripts and chats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import sees_personal_data
from accounts.http import MemberRequest
from accounts.scopes import Scope
from calls import access, actions
from calls.api import examples
from calls.api.deliveries import deliveries_about
from calls.api.serializers import (
    CallChangeSerializer,
    CallSerializer,
    ChatSerializer,
    TranscriptSerializer,
)
from calls.api.transcripts import of_call
from calls.chat_filters import ChatFilter
from calls.filters import CallFilter
from calls.models import Call, Chat
from calls.selection import Selection
from config.api.lists import ListView
from config.api.operations import Operation
from config.api.problems import error, invalid_body
from config.api.serializers import chosen, read
from config.api.views import ApiView


def prepared(calls: Sequence[Any], included: set[str]) -> Sequence[Any]:
    """With what was asked to be included; somebody reading what was said stands in the log."""
    if "transcript" in included and calls:
        actions.note_reading_many(calls)
    if "deliveries" in included:
        found = deliveries_about([call.retell_call_id for call in calls])
        for call in calls:
            call.deliveries_read = found.get(call.retell_call_id, [])
    return calls


class CallList(ListView):
    tag = "calls"
    resource = "calls"
    keys = ("sort_at", "id")
    filter_form = CallFilter
    operations = {
        "GET": Operation(
            "list_calls", Scope.CALLS_READ, gives=CallSerializer, many=True, example=examples.CALL
        )
    }

    def get(self, request: Request) -> Response:
        """Calls, newest first.

        The filters are those of the page: its URL's parameters mean the same here."""
        selection = Selection.from_request(cast(MemberRequest, self.asked))
        self.check_filters(selection.form)
        included = chosen(self.asked.GET, CallSerializer)["include"]
        calls = selection.calls().for_api(included)
        return self.page(calls, CallSerializer, form=selection.form, prepare=prepared)


class CallDetail(ApiView):
    tag = "calls"
    operations = {
        "GET": Operation("get_call", Scope.CALLS_READ, gives=CallSerializer, example=examples.CALL),
        "PATCH": Operation(
            "change_call", Scope.CALLS_WRITE, gives=CallSerializer, example=examples.CALL,
            takes=CallChangeSerializer, takes_example=examples.CHANGE,
        ),
    }  # fmt: skip

    def get(self, request: Request, call_id: UUID) -> Response:
        """One call."""
        call = access.get_call(self.asked, call_id)
        prepared([call], set(chosen(self.asked.GET, CallSerializer)["include"]))
        return self.one(CallSerializer, call)

    def patch(self, request: Request, call_id: UUID) -> Response:
        """Class a call as revenue or test, tag it, write a note on it.

        All of it is done, or nothing. With If-Match it is done only to the version you read."""
        self.check_parameters()
        change = actions.CallChange(**read(CallChangeSerializer, request.data))
        call = access.get_call(self.asked, call_id, write=change.is_billable is not None)
        try:
            actions.change_call(call, change, caller=self.asked.user, check=self._check)
        except actions.ClassificationError as refused:
            raise invalid_body([error("reason", str(refused))]) from refused
        except actions.TagError as refused:
            raise invalid_body([error("tags", str(refused))]) from refused
        except actions.NoteError as refused:
            raise invalid_body([error("note", str(refused))]) from refused
        return self.made(CallSerializer, access.get_call(self.asked, call_id), status=200)

    def _check(self, call: Call) -> None:
        self.check_version(CallSerializer, access.get_call(self.asked, call.pk))


class CallTranscript(ApiView):
    tag = "calls"
    operations = {
        "GET": Operation(
            "get_transcript", Scope.CALLS_READ, gives=TranscriptSerializer,
            example=examples.TRANSCRIPT,
        )
    }  # fmt: skip

    def get(self, request: Request, call_id: UUID) -> Response:
        """What was said in a call.

        Reading it stands in the audit log."""
        call = access.get_call(self.asked, call_id)
        actions.note_reading(call)
        return self.one(TranscriptSerializer, of_call(call))


class ChatList(ListView):
    tag = "chats"
    resource = "chats"
    keys = ("sort_at", "id")
    filter_form = ChatFilter
    operations = {
        "GET": Operation(
            "list_chats", Scope.CALLS_READ, gives=ChatSerializer, many=True, example=examples.CHAT
        )
    }

    def get(self, request: Request) -> Response:
        """Chats, newest first."""
        filters = ChatFilter(
            self.asked.GET,
            Chat.objects.for_api(chosen(self.asked.GET, ChatSerializer)["include"]),
            zone=cast(MemberRequest, self.asked).organization.zone,
            sees_personal_data=sees_personal_data(),
        )
        self.check_filters(filters.form)
        return self.page(filters.qs, ChatSerializer, form=filters.form, prepare=_read_chats)


def _read_chats(chats: Sequence[Chat], included: set[str]) -> Sequence[Chat]:
    if "messages" in included:
        for chat in chats:
            actions.note_reading(chat)
    return chats


class ChatDetail(ApiView):
    tag = "chats"
    operations = {
        "GET": Operation("get_chat", Scope.CALLS_READ, gives=ChatSerializer, example=examples.CHAT)
    }

    def get(self, request: Request, chat_id: UUID) -> Response:
        """One chat."""
        chat = access.get_chat(self.asked, chat_id)
        _read_chats([chat], set(chosen(self.asked.GET, ChatSerializer)["include"]))
        return self.one(ChatSerializer, chat)
