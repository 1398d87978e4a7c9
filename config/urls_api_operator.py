"""The API of the operator host: `/api/v1/`."""

from django.urls import include, path

from config.api import docs

app_name = "api"

urlpatterns = [
    path("openapi.json", docs.Document.as_view(), name="document"),
    path("docs/", docs.documentation, name="docs"),
    path("", include("operations.api.urls")),
    path("", include("accounts.api.urls_tokens")),
]
