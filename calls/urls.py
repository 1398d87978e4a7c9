from django.urls import path

from calls.views import annotations, chats, detail
from calls.views import list as lists

app_name = "calls"

urlpatterns = [
    path("", lists.call_list, name="list"),
    path("chats/", chats.chat_list, name="chat_list"),
    path("chats/<uuid:chat_id>/", chats.chat_detail, name="chat_detail"),
    path("<uuid:call_id>/", detail.call_detail, name="detail"),
    path("<uuid:call_id>/recording/", detail.recording, name="recording"),
    path("<uuid:call_id>/classify/", detail.classify_call, name="classify"),
    path("<uuid:call_id>/notes/new/", annotations.note_new, name="note_new"),
    path("<uuid:call_id>/notes/<uuid:note_id>/edit/", annotations.note_edit, name="note_edit"),
    path(
        "<uuid:call_id>/notes/<uuid:note_id>/delete/", annotations.note_delete, name="note_delete"
    ),
    path("<uuid:call_id>/tags/new/", annotations.tag_new, name="tag_new"),
    path("<uuid:call_id>/tags/<uuid:tag_id>/delete/", annotations.tag_delete, name="tag_delete"),
]
