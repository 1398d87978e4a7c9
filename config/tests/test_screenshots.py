"""`make screenshots` takes a picture of every page there is."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import resolve

from bench import screenshots
from config.tests.every_page import ALICE, NO_PAGES, NOBODY, SAM, URLCONFS
from config.tests.test_url_sweep import expected

# Pages that need a link out of a mail, or stand before another page for a moment; and the admin's,
# of which one stands for all. The demo has no outgoing webhooks: there is nobody to send to.
NOT_SHOWN = (
    "/confirm/",
    "/invitations/<str:token>/",
    "/admin/",
    "/figures/",
    "/settings/notices/<uuid:",
)
TAKEN = {
    "acme": [
        *screenshots.MEMBER_PAGES.values(),
        *(path for _, path in screenshots.MEMBER_DETAILS.values()),
        "/sign-in/",
        "/forgotten/",
    ],
    "": [
        *screenshots.OPERATOR_PAGES.values(),
        *(path for _, path in screenshots.OPERATOR_DETAILS.values()),
        "/sign-in/",
        "/forgotten/",
    ],
}


def view_of(path: str, slug: str) -> str:
    found = resolve(path.partition("?")[0].replace("{}", str(uuid4())), URLCONFS[slug])
    return f"/{found.route}"


@pytest.mark.parametrize(("slug", "column"), [("acme", ALICE), ("", SAM)])
def test_every_page_has_its_picture(slug: str, column: int) -> None:
    taken = {view_of(path, slug) for path in TAKEN[slug]}
    pages = {
        url
        for url, row in expected(URLCONFS[slug]).items()
        if 200 in (row[column], row[NOBODY]) and not NO_PAGES.search(url)
    }
    assert {url for url in pages - taken if not url.startswith(NOT_SHOWN)} == set()
