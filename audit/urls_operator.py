from django.urls import path

from audit import views

app_name = "audit"

urlpatterns = [
    path("", views.operator_entry_list, name="list"),
    path("export/", views.operator_entry_export, name="export"),
]
