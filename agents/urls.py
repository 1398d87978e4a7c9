from django.urls import path

from agents import views

app_name = "agents"

urlpatterns = [
    path("", views.agent_list, name="list"),
    path("sync/", views.sync_agents, name="sync"),
    path("<uuid:agent_id>/", views.agent_detail, name="detail"),
    path("<uuid:agent_id>/edit/", views.edit_agent, name="edit"),
    path("<uuid:agent_id>/webhook/", views.set_webhook, name="set_webhook"),
]
