"""An organization's style sheet and logo: for everybody who sees its sign-in page.

Both addresses name their content, so browsers may keep them for good.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from tenants.branding.palette import HEX_COLOUR, style_sheet
from tenants.middleware import HostRequest
from tenants.models import OrganizationLogo

FOR_GOOD = "public, max-age=31536000, immutable"


@require_GET
def accent(request: HttpRequest, digits: str) -> HttpResponse:
    """The accent's tokens; a function of the colour alone."""
    if not HEX_COLOUR.match(f"#{digits}"):
        raise Http404
    return HttpResponse(
        style_sheet(f"#{digits}"), content_type="text/css", headers={"Cache-Control": FOR_GOOD}
    )


@require_GET
def logo(request: HostRequest, sha256: str) -> HttpResponse:
    """The logo of the host's organization, if this still is it."""
    organization = request.organization
    if organization is None or organization.logo_sha256 != sha256:
        raise Http404
    row = OrganizationLogo.objects.filter(organization_id=organization.pk).first()
    if row is None:
        raise Http404
    return HttpResponse(
        bytes(row.png), content_type="image/png", headers={"Cache-Control": FOR_GOOD}
    )
