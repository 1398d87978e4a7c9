from django.urls import path

from webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("", views.delivery_list, name="list"),
    path("replay/", views.replay_all, name="replay_all"),
    path("alerts/", views.alert_list, name="alert_list"),
    path("<uuid:delivery_id>/", views.delivery_detail, name="detail"),
    path("<uuid:delivery_id>/replay/", views.replay_delivery, name="replay"),
]
