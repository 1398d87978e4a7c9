from django.urls import path

from agents.api import views

urlpatterns = [
    path("agents", views.AgentList.as_view(), name="agents"),
    path("agents/<uuid:agent_id>", views.AgentDetail.as_view(), name="agent"),
]
