"""Pages of the operator host."""

from django.conf import settings
from django.urls import include, path

from operations.admin_site import site
from operations.api.cache import CacheStatistics

urlpatterns = [
    path("", include("operations.urls")),
    path("", include("accounts.urls")),
    path("api/cache/stats", CacheStatistics.as_view(), name="cache_stats"),
    path("api/v1/", include("config.urls_api_operator")),
    path("audit/", include("audit.urls_operator")),
    path("admin/", site.urls),
]
if not settings.PRODUCTION:
    urlpatterns.append(path("dev/mailbox/", include("config.dev_mailbox")))

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
