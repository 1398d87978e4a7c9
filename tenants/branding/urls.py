from django.urls import path, re_path

from tenants.branding import views

app_name = "branding"

urlpatterns = [
    re_path(r"^accent-(?P<digits>[0-9a-f]{6})\.css$", views.accent, name="accent"),
    path("logo-<slug:sha256>.png", views.logo, name="logo"),
]
