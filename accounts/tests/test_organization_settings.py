"""Name, time zone, accent and logo of an organization, set by its admins."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from audit.models import Entry
from tenants.models import Organization
from tenants.scope import platform
from testing.fixtures import CanaryClient, ClientFactory, World

GENERAL, BRANDING = "/settings/", "/settings/branding/"


@pytest.fixture
def admin(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.alice, world.acme)


def fresh(organization: Organization) -> Organization:
    with platform():
        return Organization.objects.get(pk=organization.pk)


def last_entry(organization: Organization) -> Entry:
    with platform():
        found: Entry = Entry.objects.filter(organization_id=organization.pk).latest("sequence")
    return found


def logo(name: str = "logo.png") -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (200, 100), "#0f9d98").save(file, "PNG")
    return SimpleUploadedFile(name, file.getvalue(), "image/png")


def test_an_admin_renames_the_organization_and_moves_its_clock(
    admin: CanaryClient, world: World
) -> None:
    admin.post(GENERAL, {"name": "Acme Dental", "time_zone": "Asia/Kathmandu"})
    changed = fresh(world.acme)
    assert (changed.name, changed.time_zone) == ("Acme Dental", "Asia/Kathmandu")
    assert last_entry(world.acme).code == "organizations.settings_changed"


@pytest.mark.parametrize(
    "sent", [{"name": "", "time_zone": "UTC"}, {"name": "Acme", "time_zone": "Mars/Olympus"}]
)
def test_impossible_settings_are_explained_and_change_nothing(
    admin: CanaryClient, world: World, sent: dict[str, str]
) -> None:
    page = admin.post(GENERAL, sent)
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert fresh(world.acme).name == world.acme.name


def test_an_accent_colours_the_pages_and_the_sign_in(
    admin: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    admin.post(BRANDING, {"own_accent": "on", "accent": "#C02C7E"})
    for page in (admin.get("/"), browser_of(None, world.acme).get("/sign-in/")):
        assert "/branding/accent-c02c7e.css" in page.content.decode()
    sheet = admin.get("/branding/accent-c02c7e.css")
    assert sheet["Content-Type"] == "text/css"
    assert "--accent: light-dark(#c02c7e," in sheet.content.decode()


def test_without_its_switch_the_accent_is_the_products_own(
    admin: CanaryClient, world: World
) -> None:
    admin.post(BRANDING, {"own_accent": "on", "accent": "#c02c7e"})
    admin.post(BRANDING, {"accent": "#c02c7e"})
    assert fresh(world.acme).accent == ""
    assert "/branding/accent-" not in admin.get("/").content.decode()


def test_a_logo_stands_beside_the_name_until_it_is_removed(
    admin: CanaryClient, world: World
) -> None:
    admin.post(BRANDING, {"logo": logo()})
    address = re.search(r'src="(/branding/logo-\w+\.png)"', admin.get("/").content.decode())
    assert address
    shown = admin.get(address[1])
    assert Image.open(BytesIO(shown.content)).size == (200, 100)
    assert "immutable" in shown["Cache-Control"]
    admin.post(BRANDING, {"remove_logo": "on"})
    assert admin.get(address[1]).status_code == 404
    assert last_entry(world.acme).code == "organizations.logo_removed"


def test_the_logo_of_another_organization_is_not_here(
    admin: CanaryClient, world: World, browser_of: ClientFactory
) -> None:
    admin.post(BRANDING, {"logo": logo()})
    sha256 = fresh(world.acme).logo_sha256
    elsewhere = browser_of(world.people.charlie, world.globex)
    assert elsewhere.get(f"/branding/logo-{sha256}.png").status_code == 404


def test_a_file_that_is_no_picture_is_explained_and_changes_nothing(
    admin: CanaryClient, world: World
) -> None:
    page = admin.post(BRANDING, {"logo": SimpleUploadedFile("x.png", b"<svg/>")})
    assert "This is no picture" in page.content.decode()
    assert fresh(world.acme).logo_sha256 == ""


def test_saving_the_same_again_writes_no_entry(admin: CanaryClient, world: World) -> None:
    same = {"name": world.acme.name, "time_zone": world.acme.time_zone}
    admin.post(GENERAL, same | {"name": "Acme Dental"})
    before = last_entry(world.acme).sequence
    admin.post(GENERAL, same | {"name": "Acme Dental"})
    assert last_entry(world.acme).sequence == before


def test_settings_are_tabs_behind_one_entry(admin: CanaryClient) -> None:
    page = admin.get("/settings/access/", follow=True).content.decode()
    assert re.search(r'href="/settings/branding/"[^>]*>Branding', page)
