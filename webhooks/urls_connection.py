"""Pages of the connection to Retell, which know its keys and what arrived by them."""

from django.urls import path

from webhooks import views_connection as views

app_name = "retell"

urlpatterns = [
    path("", views.connection_page, name="connection"),
    path("api-key/", views.store_api_key, name="store_api_key"),
    path("api-key/check/", views.check_api_key, name="check_api_key"),
    path("disconnect/", views.disconnect, name="disconnect"),
    path("signing-key/", views.store_signing_key, name="store_signing_key"),
    path("signing-key/old/remove/", views.remove_old_key, name="remove_old_key"),
    path("signing-key/remove/", views.remove_signing_keys, name="remove_signing_keys"),
    path("url/", views.new_url, name="new_url"),
    path("url/<uuid:endpoint_id>/revoke/", views.revoke_url, name="revoke_url"),
]
