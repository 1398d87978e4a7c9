"""Pages of an organization's host."""

from django.urls import include, path

urlpatterns = [
    path("", include("analytics.urls")),
    path("", include("accounts.urls")),
    path("branding/", include("tenants.branding.urls")),
    path("calls/", include("calls.urls")),
    path("agents/", include("agents.urls")),
    path("completeness/", include("completeness.urls")),
    path("exports/", include("exports.urls")),
    path("jobs/", include("jobs.urls")),
    path("live-ticket/", include("notifications.urls")),
    path("settings/retell/", include("webhooks.urls_connection")),
    path("settings/notices/", include("notices.urls")),
    path("deliveries/", include("webhooks.urls")),
    path("settings/", include("webhooks.urls_settings")),
    path("audit/", include("audit.urls")),
    path("api/v1/", include("config.urls_api")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
