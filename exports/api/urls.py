from django.urls import path

from exports.api import views

urlpatterns = [
    path("exports", views.ExportList.as_view(), name="exports"),
    path("exports/chats", views.ChatExports.as_view(), name="exports_of_chats"),
    path("exports/<uuid:export_id>", views.ExportDetail.as_view(), name="export"),
    path("exports/<uuid:export_id>/download", views.ExportDownload.as_view(), name="download"),
]
