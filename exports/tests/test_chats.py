"""Chats are exported as calls are."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from agents.models import Agent
from calls.chat_selection import ChatSelection
from calls.models import Chat
from exports import actions, columns
from exports.models import Export, Format
from exports.subjects import Subject
from exports.tests.helpers import START, content, run, table
from exports.tests.test_xlsx_file import Workbook
from tenants.models import Organization
from tenants.pin import organization_context
from testing.fixtures import ClientFactory, World

CHOICE = {"format": "csv", "columns": ["chat_id", "cost"]}


@pytest.fixture
def chats(world: World) -> World:
    with organization_context(world.acme):
        Agent.objects.create(retell_agent_id="agent_1", name="Website")
        for number in range(3):
            Chat.objects.create(
                retell_chat_id=f"chat_{number}",
                status="ended",
                agent_id="agent_1",
                chat_type="sms_chat" if number else "api_chat",
                started_at=START + timedelta(minutes=number),
                chat_successful=bool(number),
                cost_cents=Decimal("1.25"),
                transcript="User: My number is 619 555 0142.",
            )
    return world


def made(
    organization: Organization, user: User, query: str = "", format_: Format = Format.CSV
) -> Export:
    wish = actions.Wish(
        format=format_,
        columns=columns.chosen(columns.default_codes(columns.CHAT_COLUMNS), columns.CHAT_COLUMNS),
        subject=Subject.CHATS,
        may_take=True,
    )
    selection = ChatSelection.from_query(query, organization=organization, sees_personal_data=True)
    return run(organization, actions.ask(organization, selection, wish, user=user))


def test_a_file_holds_the_chats_and_what_they_come_to(chats: World) -> None:
    with organization_context(chats.acme):
        export = made(chats.acme, chats.people.alice)
        head, rows, foot = table(export)
    assert head[:2] == ["Started (America/New_York)", "Chat ID"]
    assert [row[1] for row in rows] == ["chat_2", "chat_1", "chat_0"]
    assert foot[0][head.index("Cost (USD)")] == "0.0375"
    assert [row[0] for row in foot[1:3]] == ["# Chats: 3", "# Cost (USD): 0.0375"]
    assert export.name.startswith("chats-acme-")


def test_the_filter_of_the_list_counts(chats: World) -> None:
    with organization_context(chats.acme):
        _, rows, foot = table(made(chats.acme, chats.people.alice, "type=sms_chat"))
    assert len(rows) == 2
    assert "# Filter: Type is SMS" in [row[0] for row in foot]


def test_a_workbook_has_the_words_of_the_pages(chats: World) -> None:
    with organization_context(chats.acme):
        export = made(chats.acme, chats.people.alice, format_=Format.XLSX)
        book = Workbook(export)
    assert book.sheets == ["Chats", "About"]
    assert "Unsuccessful" in [text for _, text in book.rows()[3].values()]


def test_a_report_is_made_of_chats(chats: World) -> None:
    with organization_context(chats.acme):
        export = made(chats.acme, chats.people.alice, format_=Format.PDF)
        assert content(export).startswith(b"%PDF")
    assert (export.rows, export.job.title) == (3, "Chats as PDF")


def test_the_page_says_what_the_file_will_hold(chats: World, browser_of: ClientFactory) -> None:
    client = browser_of(chats.people.alice, chats.acme)
    assert (
        'href="/exports/new/chats/?type=sms_chat"'
        in client.get("/calls/chats/?type=sms_chat").content.decode()
    )
    page = client.get("/exports/new/chats/?type=sms_chat").content.decode()
    assert "<dt>Chats</dt><dd>2</dd>" in page
    assert "Minutes" not in page
    assert 'name="numbers"' not in page


def test_a_viewer_gets_nothing_that_was_said(chats: World, browser_of: ClientFactory) -> None:
    client = browser_of(chats.people.bob, chats.acme)
    assert 'value="transcript"' not in client.get("/exports/new/chats/").content.decode()
    client.post("/exports/new/chats/", CHOICE | {"columns": ["chat_id", "transcript"]})
    with organization_context(chats.acme):
        assert not Export.objects.exists()


def test_asking_starts_a_job_over_chats(chats: World, browser_of: ClientFactory) -> None:
    browser_of(chats.people.alice, chats.acme).post("/exports/new/chats/", CHOICE)
    with organization_context(chats.acme):
        export = Export.objects.select_related("job").get()
    assert (export.subject, export.job.kind, export.job.total) == ("chats", "export_chats", 3)
