"""The API of an organization's host: `/api/v1/`."""

from django.urls import include, path

from config.api import docs

app_name = "api"

urlpatterns = [
    path("openapi.json", docs.Document.as_view(), name="document"),
    path("docs/", docs.documentation, name="docs"),
    path("", include("calls.api.urls")),
    path("", include("agents.api.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("exports.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("notices.api.urls")),
]
