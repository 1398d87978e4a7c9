from django.urls import path

from completeness import views

app_name = "completeness"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("compare/", views.compare_range, name="compare"),
    path("accept/", views.accept_gaps, name="accept"),
    path("history/", views.fetch_history, name="history"),
]
