"""`live`: WebSockets only. Pages are served by WSGI, see config/wsgi.py."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config import presence  # noqa: E402 - after setup
from notifications.consumers import LiveConsumer, PageConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "websocket": URLRouter([path("live/", LiveConsumer.as_asgi())]),
        "http": PageConsumer.as_asgi(),
    }
)

presence.announce("live")
