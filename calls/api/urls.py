from django.urls import path

from calls.api import views

urlpatterns = [
    path("calls", views.CallList.as_view(), name="calls"),
    path("calls/<uuid:call_id>", views.CallDetail.as_view(), name="call"),
    path("calls/<uuid:call_id>/transcript", views.CallTranscript.as_view(), name="transcript"),
    path("chats", views.ChatList.as_view(), name="chats"),
    path("chats/<uuid:chat_id>", views.ChatDetail.as_view(), name="chat"),
]
