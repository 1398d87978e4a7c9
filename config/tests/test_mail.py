"""Mail as a person receives it, over SMTP, and what happens when the server does not take it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail import BadHeaderError
from procrastinate import App
from procrastinate.testing import InMemoryConnector

from config import mail
from config.environment import mail_settings
from testing.smtp import MailServer, running_mail_server

ADDRESS = "dora@example.com"
TOKEN = "t0ken-that-lets-people-in"
LINK = f"http://maple.localhost:8000/invitations/{TOKEN}/"
INVITATION = {
    "organization_name": "Maple & Sons",
    "inviter_label": "Alice",
    "role_label": "viewer",
    "link": LINK,
    "expires_on": date(2026, 11, 30),
}


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with running_mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def invite(**changed: str) -> None:
    mail.send("invitation", to=ADDRESS, context=INVITATION | changed)


def notify(**context: Any) -> None:
    values = {"title": "A title", "paragraphs": ["One.", "Two."], **context}
    mail.send("notice", to=ADDRESS, context=values)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_an_invitation_arrives_as_text_and_html(server: MailServer) -> None:
    invite()
    (message,) = server.mails
    assert message.get_content_type() == "multipart/alternative"
    assert message["To"] == ADDRESS
    assert message["Subject"] == "Your invitation to Maple & Sons"
    for kind in ("plain", "html"):
        assert LINK in part(message, kind)
        assert "Nov. 30, 2026" in part(message, kind)


def test_mail_says_that_a_machine_wrote_it_and_which(server: MailServer, settings: Any) -> None:
    settings.BASE_DOMAIN = "switchboard.example.com"
    invite()
    (message,) = server.mails
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@switchboard.example.com>")
    assert message["From"] == "Switchboard <switchboard@localhost>"


def test_text_is_escaped_in_html_only(server: MailServer) -> None:
    invite(organization_name="<b>Maple</b> & Sons")
    (message,) = server.mails
    assert message["Subject"] == "Your invitation to <b>Maple</b> & Sons"
    assert "to <b>Maple</b> & Sons on" in part(message, "plain")
    assert "to &lt;b&gt;Maple&lt;/b&gt; &amp; Sons on" in part(message, "html")
    assert "<b>" not in part(message, "html")


def test_a_notice_has_a_button_only_with_an_address(server: MailServer) -> None:
    notify()
    notify(action_label="Open", action_url="http://maple.localhost:8000/calls/?a=1&b=2")
    without, with_button = server.mails
    assert part(without, "plain").startswith("A title\n\nOne.\n\nTwo.\n\n-- \n")
    assert "<a " not in part(without, "html")
    assert "Open:\nhttp://maple.localhost:8000/calls/?a=1&b=2\n" in part(with_button, "plain")
    assert 'href="http://maple.localhost:8000/calls/?a=1&amp;b=2"' in part(with_button, "html")


def test_nothing_of_a_mail_is_loaded_from_elsewhere(server: MailServer) -> None:
    invite()
    html = part(server.mails[0], "html")
    assert not [word for word in ("src=", "<img", "<link", "url(", "@import") if word in html]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
@pytest.mark.parametrize("value", ["Hello{}Bcc: eve@example.com", "Hello{0}{0}<p>Mine"])
def test_a_subject_of_two_lines_is_refused(server: MailServer, value: str, end: str) -> None:
    with pytest.raises(BadHeaderError):
        notify(title=value.format(end))
    assert server.mails == []


def test_an_address_of_two_lines_is_refused(server: MailServer) -> None:
    with pytest.raises(ValueError, match="Invalid address"):
        mail.send("notice", to="a@example.com\nBcc: eve@example.com", context={"title": "Hello"})
    assert server.mails == []


def test_a_refusal_raises_with_its_codes_and_nothing_of_the_mail(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refusals.append(f"550 5.7.1 spam: /invitations/{TOKEN}/ of {ADDRESS}")
    with pytest.raises(mail.MailNotSent, match=r"\(SMTPDataError 550 5\.7\.1\)") as caught:
        invite()
    logging.getLogger("a job").error("failed", exc_info=caught.value)
    assert TOKEN not in caplog.text
    assert ADDRESS not in caplog.text


def test_sending_logs_neither_text_nor_address(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    invite()
    # With their extra fields, which production writes too.
    logged = str([vars(record) for record in caplog.records])
    assert "mail sent" in logged
    assert TOKEN not in logged
    assert ADDRESS not in logged


def test_without_a_server_sending_fails(settings: Any) -> None:
    settings.MAIL_IS_CONFIGURED = False
    with pytest.raises(mail.MailNotSent, match="EMAIL_URL is not set"):
        invite()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp+tls://app:s%2Fecret@mail.example.com",
            {"EMAIL_HOST_PASSWORD": "s/ecret", "EMAIL_PORT": 587, "EMAIL_USE_TLS": True},
        ),
        (
            "smtp+ssl://app%40example.com:x@mail.example.com",
            {"EMAIL_HOST_USER": "app@example.com", "EMAIL_PORT": 465, "EMAIL_USE_SSL": True},
        ),
        ("smtp://relay.internal:2525", {"EMAIL_HOST": "relay.internal", "EMAIL_PORT": 2525}),
        ("filemail:///var/spool/our%20mail", {"EMAIL_FILE_PATH": "/var/spool/our mail"}),
    ],
)
def test_a_url_says_where_mail_goes(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: dict[str, Any]
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = mail_settings("EMAIL_URL", "", tls_only=True)
    assert expected.items() <= found.items()


# --- In a job ------------------------------------------------------------------------------------


@pytest.fixture
def jobs() -> App:
    """A queue of this test's own, with a job that sends as the product's do."""
    app = App(connector=InMemoryConnector())

    @app.task(name="invite", retry=mail.MAIL_RETRY)
    def send_invitation(invitation_id: str) -> None:
        invite()

    def enqueue() -> None:
        with app.open():
            send_invitation.defer(invitation_id="1")

    apart(enqueue)
    return app


def apart(work: Callable[[], Any]) -> None:
    """In a thread of its own: the loop of a browser's test may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def work(jobs: App) -> dict[str, Any]:
    """One round of a worker, at once instead of after the pause; returns the job."""
    connector: Any = jobs.connector
    (job,) = connector.jobs.values()
    job["scheduled_at"] = None
    options = {"wait": False, "install_signal_handlers": False, "listen_notify": False}
    apart(lambda: jobs.run_worker(**options))
    return dict(job)


def test_a_job_sends_again_what_the_server_did_not_take(server: MailServer, jobs: App) -> None:
    server.refusals += ["451 4.3.0 try later", "421 4.3.2 going down"]
    for attempts in (1, 2):
        job = work(jobs)
        assert (job["status"], job["attempts"]) == ("todo", attempts)
        assert job["scheduled_at"] > datetime.now(UTC)
        assert server.mails == []
    assert work(jobs)["status"] == "succeeded"
    assert len(server.mails) == 1


def test_a_job_gives_up_after_seven_tries(server: MailServer, jobs: App) -> None:
    server.refusals += ["451 4.3.0 try later"] * 20
    states = [work(jobs)["status"] for _ in range(7)]
    assert states == ["todo"] * 6 + ["failed"]


def test_a_job_tries_again_when_nobody_listens(server: MailServer, jobs: App) -> None:
    server.shutdown()
    server.server_close()
    assert work(jobs)["status"] == "todo"
