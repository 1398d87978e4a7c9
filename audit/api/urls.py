from django.urls import path

from audit.api import views

urlpatterns = [path("audit", views.EntryList.as_view(), name="audit")]
