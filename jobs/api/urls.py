from django.urls import path

from jobs.api import views

urlpatterns = [path("jobs/<uuid:job_id>", views.JobDetail.as_view(), name="job")]
