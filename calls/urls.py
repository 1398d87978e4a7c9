from django.urls import path

from calls import views

app_name = "calls"

urlpatterns = [
    path("", views.call_list, name="list"),
    path("chats/", views.chat_list, name="chat_list"),
    path("chats/<uuid:chat_id>/", views.chat_detail, name="chat_detail"),
    path("<uuid:call_id>/", views.call_detail, name="detail"),
    path("<uuid:call_id>/recording/", views.recording, name="recording"),
    path("<uuid:call_id>/classify/", views.classify_call, name="classify"),
]
