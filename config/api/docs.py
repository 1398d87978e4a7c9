"""The documentation, for who is signed in, and the document it is made of."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from rest_framework.request import Request

from accounts.access import member_required, super_admin_required
from accounts.http import VisitorRequest
from config.api import document
from config.api.operations import Operation
from config.api.views import ApiView


class Document(ApiView):
    """Not a part of the document itself."""

    schema: Any = None
    chooses_fields = False
    operations: ClassVar[dict[str, Operation]] = {}

    def get(self, request: Request) -> HttpResponse:
        self.check_parameters()
        on_operator_host = self.asked.organization is None
        urlconf = document.OPERATOR if on_operator_host else document.ORGANIZATION
        return HttpResponse(document.kept(urlconf), content_type="application/json")


def _page(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/api_docs.html")


_OF_ORGANIZATION = member_required(_page)
_OF_OPERATOR = super_admin_required(_page)


# Swagger UI styles its parts inline; this page shows nothing that somebody else wrote.
@require_GET
@csp_update({"style-src": "'unsafe-inline'"})
def documentation(request: HttpRequest) -> HttpResponse:
    """Every operation, to be tried out in the name of who reads."""
    visitor = cast(VisitorRequest, request)
    return (_OF_OPERATOR if visitor.organization is None else _OF_ORGANIZATION)(visitor)
