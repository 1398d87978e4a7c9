from django.urls import path

from notices import views

app_name = "notices"

urlpatterns = [
    path("", views.subscription_list, name="list"),
    path("new/", views.new_subscription, name="new"),
    path("<uuid:subscription_id>/", views.subscription_detail, name="detail"),
    path("<uuid:subscription_id>/edit/", views.edit_subscription, name="edit"),
    path("<uuid:subscription_id>/secret/", views.rotate_secret, name="rotate"),
    path("<uuid:subscription_id>/delete/", views.delete_subscription, name="delete"),
    path("<uuid:subscription_id>/enable/", views.enable, name="enable"),
    path("<uuid:subscription_id>/disable/", views.disable, name="disable"),
    path("<uuid:subscription_id>/test/", views.send_test, name="test"),
    path("<uuid:subscription_id>/replay/", views.replay_since, name="replay_since"),
    path("<uuid:subscription_id>/messages/<uuid:sending_id>/", views.sending, name="sending"),
    path("<uuid:subscription_id>/messages/<uuid:sending_id>/replay/", views.replay, name="replay"),
]
