from django.urls import path

from webhooks import views

app_name = "webhooks_settings"

urlpatterns = [path("retention/", views.retention_settings, name="retention")]
