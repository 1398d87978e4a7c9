from django.urls import path

from analytics.api import views

urlpatterns = [path("usage", views.Usage.as_view(), name="usage")]
