"""Lets only allowed networks reach the operator host."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpResponse

from config.addresses import client_address
from config.errors import address_refused
from operations import allow_list
from tenants.middleware import HostRequest

logger = logging.getLogger(__name__)

GetResponse = Callable[[HostRequest], HttpResponse]


class AllowListMiddleware:
    """403 on every path of the operator host, before sessions and people are looked at.

    Above it are answered: webhooks and `/health`, which machines ask, and static files, which are
    the same on every host and make the refusal readable.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HostRequest) -> HttpResponse:
        if request.organization is None:
            address = client_address(request)
            if not allow_list.is_allowed(address):
                logger.info("an address that is not allowed asked for the operator host")
                return address_refused(request, address)
        return self.get_response(request)
