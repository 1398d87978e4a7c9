from django.urls import path

from exports import views
from exports.subjects import Subject

app_name = "exports"

urlpatterns = [
    path("", views.export_list, name="list"),
    path("new/", views.new_export, name="new"),
    path("new/chats/", views.new_export, {"subject": Subject.CHATS}, name="new_of_chats"),
    path("<uuid:export_id>/", views.export_detail, name="detail"),
    path("<uuid:export_id>/download/", views.download, name="download"),
    path("<uuid:export_id>/cancel/", views.cancel_export, name="cancel"),
    path("<uuid:export_id>/delete/", views.delete_export, name="delete"),
]
