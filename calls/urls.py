from django.urls import path

from calls.views import chats, detail
from calls.views import list as lists

app_name = "calls"

urlpatterns = [
    path("", lists.call_list, name="list"),
    path("chats/", chats.chat_list, name="chat_list"),
    path("chats/<uuid:chat_id>/", chats.chat_detail, name="chat_detail"),
    path("<uuid:call_id>/", detail.call_detail, name="detail"),
    path("<uuid:call_id>/recording/", detail.recording, name="recording"),
    path("<uuid:call_id>/classify/", detail.classify_call, name="classify"),
]
