"""Passkeys as people use them: Chromium with an authenticator of its own, real servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django_otp_webauthn.models import WebAuthnCredential
from playwright.sync_api import CDPSession, expect

from accounts.models import RecoveryCodes
from tenants.scope import platform
from testing.browser import Visitor
from testing.fixtures import PASSWORD, World

pytestmark = pytest.mark.browser


@dataclass
class Reader:
    """A fingerprint reader of Chromium's; at first it always recognises its owner."""

    session: CDPSession
    id: str

    def recognise(self, yes: bool) -> None:
        told = {"authenticatorId": self.id, "isUserVerified": yes}
        self.session.send("WebAuthn.setUserVerified", told)


@pytest.fixture
def reader(visitor: Visitor) -> Reader:
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True,
    }  # fmt: skip
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Reader(session, added["authenticatorId"])


@pytest.fixture
def passkeys_removed(committed: World) -> Iterator[None]:
    yield
    with platform():
        WebAuthnCredential.objects.all().delete()
        RecoveryCodes.objects.all().delete()


def add_passkey(visitor: Visitor, name: str) -> None:
    visitor.go("acme", "/account/security/")
    visitor.page.get_by_role("link", name="Add a passkey").click()
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_role("button", name="Add passkey").click()


def to_second_step(visitor: Visitor) -> None:
    visitor.page.context.clear_cookies()
    visitor.go("acme", "/sign-in/")
    visitor.page.fill("[name=email]", "alice@example.com")
    visitor.page.fill("[name=password]", PASSWORD)
    visitor.page.click("button.primary")


@pytest.mark.usefixtures("passkeys_removed", "reader")
def test_a_passkey_is_added_and_opens_the_second_step(visitor: Visitor) -> None:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    add_passkey(visitor, "Work laptop")
    visitor.page.get_by_role("link", name="I kept them; go on").click()
    expect(visitor.page.get_by_role("rowheader", name="Work laptop")).to_be_visible()
    to_second_step(visitor)
    visitor.page.get_by_role("button", name="Use a passkey").click()
    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert visitor.complaints == []


@pytest.mark.usefixtures("passkeys_removed", "reader")
def test_a_device_that_holds_one_already_is_told_so(visitor: Visitor) -> None:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    add_passkey(visitor, "Work laptop")
    visitor.page.get_by_role("link", name="I kept them; go on").click()
    expect(visitor.page.get_by_role("rowheader", name="Work laptop")).to_be_visible()
    add_passkey(visitor, "Again")
    expect(visitor.page.get_by_role("alert")).to_contain_text("already holds a passkey")
    assert visitor.complaints == []


@pytest.mark.usefixtures("passkeys_removed")
def test_a_refused_fingerprint_leaves_one_at_the_second_step(
    visitor: Visitor, reader: Reader
) -> None:
    visitor.sign_in("acme", "alice@example.com", PASSWORD)
    add_passkey(visitor, "Work laptop")
    visitor.page.get_by_role("link", name="I kept them; go on").click()
    expect(visitor.page.get_by_role("rowheader", name="Work laptop")).to_be_visible()
    reader.recognise(False)
    to_second_step(visitor)
    visitor.page.get_by_role("button", name="Use a passkey").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("No passkey was used")
    assert visitor.page.url.endswith("/sign-in/code/")
