from django.urls import path

from operations import views, views_system
from operations.backups import views as backup_views
from operations.readiness import views as readiness

app_name = "operations"

urlpatterns = [
    path("", views.organization_list, name="organization_list"),
    path("organizations/new/", views.organization_new, name="organization_new"),
    path(
        "organizations/<uuid:organization_id>/",
        views.organization_detail,
        name="organization_detail",
    ),
    path("organizations/<uuid:organization_id>/setup/", views.setup, name="setup"),
    path("organizations/<uuid:organization_id>/visit/", views.visit, name="visit"),
    path("organizations/<uuid:organization_id>/visit/enter/", views.enter, name="enter"),
    path("organizations/<uuid:organization_id>/suspend/", views.suspend, name="suspend"),
    path("organizations/<uuid:organization_id>/resume/", views.resume, name="resume"),
    path("system/", views_system.system, name="system"),
    path("system/jobs/<int:job_id>/retry/", views_system.retry_job, name="retry_job"),
    path("system/jobs/<int:job_id>/discard/", views_system.discard_job, name="discard_job"),
    path("readiness/", readiness.readiness, name="readiness"),
    path("readiness/measure/", readiness.measure, name="readiness_measure"),
    path("readiness/<slug:code>/", readiness.item, name="readiness_item"),
    path("readiness/<slug:code>/withdraw/", readiness.withdraw, name="readiness_withdraw"),
    path("backups/", backup_views.backups, name="backups"),
    path("backups/new/", backup_views.backup_now, name="backups_new"),
    path("backups/<uuid:backup_id>/", backup_views.backup, name="backups_detail"),
    path("backups/<uuid:backup_id>/prove/", backup_views.backup_prove, name="backups_prove"),
]
