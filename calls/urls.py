from django.urls import path

from calls.views import annotations, bulk, chats, detail, finder, saved
from calls.views import list as lists

app_name = "calls"

urlpatterns = [
    path("", lists.call_list, name="list"),
    path("find/", finder.find, name="find"),
    path("columns/", lists.choose_columns, name="columns"),
    path("change/", bulk.change_many, name="change_many"),
    path("views/new/", saved.view_new, name="view_new"),
    path("views/<uuid:view_id>/edit/", saved.view_edit, name="view_edit"),
    path("views/<uuid:view_id>/update/", saved.view_update, name="view_update"),
    path("views/<uuid:view_id>/delete/", saved.view_delete, name="view_delete"),
    path("views/<uuid:view_id>/default/", saved.view_default, name="view_default"),
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
