"""The API of an organization's host: `/api/v1/`."""

from django.urls import include, path

app_name = "api"

urlpatterns = [
    path("", include("calls.api.urls")),
]
