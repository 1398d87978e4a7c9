from django.urls import path

from webhooks.api import views

urlpatterns = [
    path("deliveries", views.DeliveryList.as_view(), name="deliveries"),
    path("deliveries/replay", views.DeliveriesReplay.as_view(), name="replay_deliveries"),
    path("deliveries/<uuid:delivery_id>", views.DeliveryDetail.as_view(), name="delivery"),
    path("deliveries/<uuid:delivery_id>/replay", views.DeliveryReplay.as_view(), name="replay"),
]
