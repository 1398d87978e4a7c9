"""The inbound door; on the operator host, and on every other, see `webhooks.middleware`."""

from django.urls import re_path

from webhooks.door import RetellDoor

urlpatterns = [
    # With or without the slash: a URL pasted by hand must not lose a call to a redirect.
    re_path(r"^webhooks/retell/(?P<token>[^/]+)/?$", RetellDoor.as_view(), name="retell_door"),
]
