"""`web`: WSGI, threads.

Async views are banned: under ASGI the organization of a connection is lost.
"""

import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from config import presence  # noqa: E402 - Django comes first
from config.checks import proxies_are_trusted  # noqa: E402
from tenants.db.durability import refuse_forgetful_database  # noqa: E402

refuse_forgetful_database()
presence.announce("web")

for message in proxies_are_trusted():
    logging.getLogger(__name__).warning("%s %s", message.msg, message.hint)
