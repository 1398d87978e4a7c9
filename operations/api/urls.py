from django.urls import path

from operations.api import views

urlpatterns = [
    path("organizations", views.OrganizationList.as_view(), name="organizations"),
    path(
        "organizations/<uuid:organization_id>",
        views.OrganizationDetail.as_view(),
        name="organization",
    ),
    path("organizations/<uuid:organization_id>/suspend", views.Suspend.as_view(), name="suspend"),
    path("organizations/<uuid:organization_id>/resume", views.Resume.as_view(), name="resume"),
    path("usage", views.UsageList.as_view(), name="usage"),
    path("health", views.HealthList.as_view(), name="health"),
]
