from django.urls import path

from tenants.branding import views

app_name = "branding"

urlpatterns = [
    path("accent-<slug:digits>.css", views.accent, name="accent"),
    path("logo-<slug:sha256>.png", views.logo, name="logo"),
]
