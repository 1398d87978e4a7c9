from django.urls import path

from notices.api import views

_ONE = "subscriptions/<uuid:subscription_id>"

urlpatterns = [
    path("subscriptions", views.SubscriptionList.as_view(), name="subscriptions"),
    path(_ONE, views.SubscriptionDetail.as_view(), name="subscription"),
    path(f"{_ONE}/secret", views.NewSecret.as_view(), name="new_secret"),
    path(f"{_ONE}/test", views.SendTest.as_view(), name="test_subscription"),
    path(f"{_ONE}/replay", views.ReplaySince.as_view(), name="replay_since"),
    path(f"{_ONE}/messages", views.MessageList.as_view(), name="messages"),
    path(f"{_ONE}/messages/<uuid:sending_id>", views.MessageDetail.as_view(), name="message"),
    path(
        f"{_ONE}/messages/<uuid:sending_id>/replay",
        views.MessageReplay.as_view(),
        name="replay_message",
    ),
]
