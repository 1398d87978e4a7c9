"""The API of the operator host: `/api/v1/`."""

from django.urls import include, path

app_name = "api"

urlpatterns = [
    path("", include("operations.api.urls")),
    path("", include("accounts.api.urls_tokens")),
]
