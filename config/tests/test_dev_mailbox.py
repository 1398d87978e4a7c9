"""The mailbox of a development machine: what it shows, and that nobody else sees it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from config import mail
from config.networks import TrustedProxies, parse_network
from config.tests.test_settings import manage
from testing.fixtures import CanaryClient, ClientFactory, World

LINK = "http://acme.localhost:8000/invitations/abc/"
URLS = (
    "from django.urls import get_resolver; print(get_resolver('config.urls_operator').url_patterns)"
)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


@pytest.fixture
def visitor(browser_of: ClientFactory, folder: Path) -> CanaryClient:
    return browser_of(None)


def send(title: str, to: str = "dora@example.com") -> None:
    context = {"title": title, "paragraphs": ["<Text> & more"], "action_url": LINK}
    mail.send("notice", to=to, context=context | {"action_label": "Open"})


def first_mail(visitor: CanaryClient) -> str:
    found = re.search(
        r'href="(/dev/mailbox/[^"]+/)"', visitor.get("/dev/mailbox/").content.decode()
    )
    assert found
    return found[1]


def test_an_empty_mailbox_says_so(visitor: CanaryClient) -> None:
    assert b"No mail yet" in visitor.get("/dev/mailbox/").content


def test_mail_is_listed_newest_first(visitor: CanaryClient, folder: Path) -> None:
    send("Older")
    for file in folder.iterdir():
        file.rename(folder / "first.log")
        os.utime(folder / "first.log", (1, 1))
    send("Newer", to="erin@example.com")
    page = visitor.get("/dev/mailbox/").content.decode()
    assert page.index("Newer") < page.index("erin@example.com") < page.index("Older")


def test_mails_in_one_file_are_told_apart(visitor: CanaryClient, folder: Path) -> None:
    """Django names a file by second and address in memory: two mails may meet in one."""
    data = b""
    for title in ("Older", "Newer"):
        send(title)
        (file,) = folder.iterdir()
        data += file.read_bytes()
        file.unlink()
    (folder / "both.log").write_bytes(data)
    page = visitor.get("/dev/mailbox/").content.decode()
    assert page.count("row-link") == 2
    assert b"Newer" in visitor.get("/dev/mailbox/both-1/").content


def test_a_mail_shows_headers_and_text_with_links(visitor: CanaryClient) -> None:
    send("Look")
    page = visitor.get(first_mail(visitor)).content.decode()
    for text in (
        "dora@example.com",
        "switchboard@localhost",
        "auto-generated",
        "&lt;Text&gt; &amp; ",
    ):
        assert text in page
    assert f'<a href="{LINK}" rel="nofollow">' in page


def test_the_html_part_is_caged(visitor: CanaryClient) -> None:
    send("Look")
    url = first_mail(visitor)
    assert f'<iframe class="mail-part" src="{url}html/" sandbox="allow-popups' in (
        visitor.get(url).content.decode()
    )
    part = visitor.get(f"{url}html/")
    assert b"&lt;Text&gt; &amp; more" in part.content
    policy = part.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "script" not in policy


def test_only_the_page_of_a_mail_may_frame(visitor: CanaryClient) -> None:
    send("Look")
    paths = ("/dev/mailbox/", first_mail(visitor), "/sign-in/")
    policies = [visitor.get(path).headers["Content-Security-Policy"] for path in paths]
    assert ["frame-src 'self'" in policy for policy in policies] == [False, True, False]
    assert all("frame-ancestors 'none'" in policy for policy in policies)
    assert not any("unsafe" in policy for policy in policies)


@pytest.mark.parametrize(
    "asked",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1, 192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
        {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
)
@pytest.mark.parametrize("proxies", [(), ("127.0.0.1", "10.0.0.2")])
def test_nobody_elsewhere_sees_mail(
    visitor: CanaryClient, settings: Any, asked: dict[str, Any], proxies: tuple[str, ...]
) -> None:
    send("Look")
    url = first_mail(visitor)
    settings.TRUSTED_PROXIES = TrustedProxies(tuple(map(parse_network, proxies)))
    for path in ("/dev/mailbox/", url, f"{url}html/"):
        assert visitor.get(path, **asked).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"REMOTE_ADDR": "::1"},
        {"REMOTE_ADDR": "::ffff:127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
)
def test_this_machine_has_several_addresses(visitor: CanaryClient, asked: dict[str, Any]) -> None:
    assert visitor.get("/dev/mailbox/", **asked).status_code == 200


@pytest.mark.parametrize("name", ["nothing-0", "..%2fsecret-0", "%2e%2e-0"])
def test_what_is_no_mail_is_not_found(visitor: CanaryClient, folder: Path, name: str) -> None:
    (folder.parent / "secret.log").write_text("Subject: Secret\n\nText")
    assert visitor.get(f"/dev/mailbox/{name}/").status_code == 404


def test_an_organization_has_no_mailbox(
    world: World, browser_of: ClientFactory, folder: Path
) -> None:
    assert browser_of(world.people.alice, world.acme).get("/dev/mailbox/").status_code == 404


def test_production_has_no_mailbox() -> None:
    done = manage("shell", "-c", URLS)
    assert "config.urls" not in done.stderr
    assert "accounts.urls" in done.stdout
    assert "mailbox" not in done.stdout
