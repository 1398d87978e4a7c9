"""The admin: it shows records, and no secret of them; and changes next to nothing."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import BinaryField, Model
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    ApiKey,
    Session,
    User,
)
from audit.models import Entry
from operations.admin.base import RecordAdmin
from operations.admin_site import site
from operations.models import AllowedNetwork
from tenants.scope import door, platform
from testing.api import ProgramFactory
from testing.fixtures import CanaryClient, ClientFactory, World
from testing.records import SECRET, SECRET_WORD, fill_records

ADMINS: list[RecordAdmin] = list(site._registry.values())  # type: ignore[arg-type]
NAMES = [admin.opts.model_name for admin in ADMINS]
every_model = pytest.mark.parametrize("admin", ADMINS, ids=NAMES)

SECRET_COLUMNS = {"password", "session_key", "session_data", "key", "credential_id_sha256"}
# As text, as hexadecimal digits, as base64, and where only letters may stand.
SHAPES = (SECRET.decode(), SECRET.hex(), base64.b64encode(SECRET)[:16].decode(), SECRET_WORD)


@pytest.fixture
def sam(world: World, browser_of: ClientFactory) -> CanaryClient:
    return browser_of(world.people.sam)


def path_of(admin: RecordAdmin) -> str:
    return f"/admin/{admin.opts.app_label}/{admin.opts.model_name}/"


def key_of(admin: RecordAdmin, order: str = "-pk") -> str:
    """The key of the newest record, which `fill_records` made."""
    with platform():
        record = admin.model._default_manager.order_by(order)[0]
    return str(getattr(record, admin.key_name))


def pages_of(admin: RecordAdmin) -> list[str]:
    path, key = path_of(admin), key_of(admin)
    own = [f"{path}{key}/{page}/" for page in ("change", "history", "delete")]
    return [path, f"{path}?_popup=1", f"{path}?q=planted", *own]


# --- Nothing secret ------------------------------------------------------------------------------


@every_model
def test_no_page_shows_a_secret(sam: CanaryClient, admin: RecordAdmin) -> None:
    fill_records(range(1))
    own_key = str(sam.session.session_key)
    for path in pages_of(admin):
        response = sam.get(path, follow=True)
        where = " ".join(url for url, _ in response.redirect_chain)
        text = where + response.content.decode() + str(response.headers)
        assert [shape for shape in (*SHAPES, own_key) if shape in text] == [], path


def test_the_secrets_are_found_where_they_are_shown(sam: CanaryClient) -> None:
    """What the test above looks for stands in the tables."""
    fill_records(range(1))
    with platform(), connection.cursor() as cursor:
        for table, column in (
            ("accounts_session", "session_key"), ("accounts_user", "password"),
            ("otp_totp_totpdevice", "key"), ("tenants_webhookendpoint", "token_encrypted"),
        ):  # fmt: skip
            cursor.execute(f"SELECT {column}::text FROM {table}")  # noqa: S608
            assert any(shape in row[0] for row in cursor.fetchall() for shape in SHAPES), table


@every_model
def test_fields_are_listed_and_hold_no_secret(admin: RecordAdmin) -> None:
    """Bytes are hashes, keys or ciphertexts; what a model gets later stays away."""
    secrets = {
        field.name for field in admin.opts.get_fields() if isinstance(field, BinaryField)
    } | SECRET_COLUMNS
    named = {str(name) for name in (*admin.list_display, *admin.search_fields, *admin._filters())}
    for inline in admin.inlines:
        assert not secrets & set(inline.fields or ["everything"])
    assert not secrets & {*(admin.fields or ("cidr",)), *named}
    assert admin.fields or admin.model is AllowedNetwork


@every_model
def test_no_url_asks_for_a_secret_letter_by_letter(sam: CanaryClient, admin: RecordAdmin) -> None:
    fill_records(range(1))
    concrete = [field.name for field in admin.opts.concrete_fields]
    asked = {f"{name}__startswith": "p" for name in concrete} | {
        "user__password__startswith": "p", "password": "p", "session_key__gte": "a",
        "sessions__session_key__gte": "a", "status__regex": "(", "_to_field": "session_key",
    }  # fmt: skip
    sam.raise_request_exception = False
    for name, value in asked.items():
        assert sam.get(path_of(admin), {name: value}).status_code == 400, name


def test_a_session_is_not_found_by_its_key(sam: CanaryClient) -> None:
    fill_records(range(1))
    with platform():
        session = Session.objects.get(session_key__startswith=SECRET_WORD)
    assert sam.get(f"/admin/accounts/session/{session.session_key}/change/").status_code == 302
    assert sam.get(f"/admin/accounts/session/{session.id}/change/").status_code == 200
    assert str(session) == f"Session {session.id}"


# --- Nothing is changed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "admin", [admin for admin in ADMINS if admin.model is not AllowedNetwork],
    ids=[name for name in NAMES if name != "allowednetwork"],
)  # fmt: skip
def test_a_record_is_neither_added_nor_changed_nor_deleted(
    sam: CanaryClient, admin: RecordAdmin
) -> None:
    fill_records(range(1))
    path, key = path_of(admin), key_of(admin)
    before = rows(admin.model)
    assert sam.post(f"{path}add/", {}).status_code == 403
    assert sam.post(f"{path}{key}/change/", {"name": "Other", "email": "o@x.de"}).status_code == 403
    assert sam.post(f"{path}{key}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
    sam.post(path, chosen)
    assert rows(admin.model) == before


def rows(model: type[Model]) -> list[dict[str, Any]]:
    with platform():
        found = model._default_manager.order_by("pk").values()
        return [{k: v for k, v in row.items() if k != "last_seen_at"} for row in found]


def test_many_at_once_are_deleted_nowhere() -> None:
    assert dict(site.actions) == {}
    assert {str(action) for admin in ADMINS for action in admin.actions or ()} == {
        "shut_out",
        "let_in",
        "revoke",
    }


def test_djangos_own_log_stays_empty(sam: CanaryClient) -> None:
    path = "/admin/operations/allowednetwork/"
    sam.post(f"{path}add/", {"cidr": "127.0.0.0/8"})
    with platform():
        network = AllowedNetwork.objects.get()
    sam.post(f"{path}{network.pk}/change/", {"cidr": "127.0.0.0/8", "note": "Here"})
    sam.post(f"{path}{network.pk}/delete/", {"post": "yes"})
    with platform():
        codes = Entry.objects.filter(code__startswith="operations.network").in_order()
        assert [code.rpartition("_")[2] for code in codes.values_list("code", flat=True)] == [
            "allowed", "changed", "removed",
        ]  # fmt: skip
        assert not LogEntry.objects.exists()


def test_a_records_history_is_the_audit_logs(world: World, sam: CanaryClient) -> None:
    alice = world.people.alice
    response = sam.get(f"/admin/accounts/user/{alice.pk}/history/")
    assert response.headers["Location"] == f"/audit/?object=accounts.user:{alice.pk}"


# --- Shutting people out, and letting them in ----------------------------------------------------


def choose(client: CanaryClient, action: str, *people: User) -> str:
    fields = {"action": action, "_selected_action": [str(user.pk) for user in people]}
    page: str = client.post("/admin/accounts/user/", fields, follow=True).content.decode()
    return page


def is_active(user: User) -> bool:
    with platform():
        return User.objects.get(pk=user.pk).is_active


def test_who_is_deactivated_is_out_at_once(
    world: World, sam: CanaryClient, browser_of: ClientFactory
) -> None:
    alices = browser_of(world.people.alice, world.acme)
    page = choose(sam, "shut_out", world.people.alice)
    assert "Alice is shut out, and their sessions are over." in page
    assert not is_active(world.people.alice)
    assert alices.get("/calls/").status_code == 302
    with platform():
        assert not Session.objects.filter(user=world.people.alice).exists()


def test_reactivating_brings_no_session_back(world: World, sam: CanaryClient) -> None:
    choose(sam, "shut_out", world.people.alice)
    assert "Alice is let in again." in choose(sam, "let_in", world.people.alice)
    assert is_active(world.people.alice)


def test_both_stand_in_the_operators_log_and_the_organizations(
    world: World, sam: CanaryClient
) -> None:
    choose(sam, "shut_out", world.people.alice)
    choose(sam, "shut_out", world.people.alice)  # changes nothing any more
    with platform():
        for chain in (None, world.acme.pk):
            (entry,) = Entry.objects.of_chain(chain).filter(code="accounts.shut_out")
            assert entry.sentence == "Sam shut Alice out everywhere"
        assert not Entry.objects.of_chain(world.globex.pk).filter(code="accounts.shut_out")


def test_nobody_shuts_themselves_out(world: World, sam: CanaryClient) -> None:
    assert "You cannot shut yourself out." in choose(sam, "shut_out", world.people.sam)
    assert is_active(world.people.sam)


def test_nobody_is_deactivated_without_saying_again_who_one_is(
    world: World, browser_of: ClientFactory
) -> None:
    page = choose(browser_of(world.people.sam, confirmed=False), "shut_out", world.people.alice)
    assert "Nobody was changed yet" in page
    assert is_active(world.people.alice)


def test_a_key_that_leaked_is_revoked_at_once(
    world: World, program: ProgramFactory, sam: CanaryClient
) -> None:
    client = program(world.acme)
    assert client.get("/api/v1/agents").status_code == 200
    with door():
        key = ApiKey.objects.get()
    data = {"action": "revoke", "_selected_action": [str(key.pk)]}
    page = sam.post("/admin/accounts/apikey/", data, follow=True).content.decode()
    assert "Warehouse was revoked." in page
    assert client.get("/api/v1/agents").status_code == 401
    with platform():
        entry = Entry.objects.of_chain(world.acme.pk).get(code="accounts.api_key_revoked")
    assert entry.actor_label == "Sam"


# --- Who gets in, and what others learn ----------------------------------------------------------


PATHS = [path_of(admin) for admin in ADMINS]
OTHERS = ["/admin/nothing/", "/admin/nothing/at/all/", "/admin/r/1/2/", "/admin/accounts/"]


@pytest.mark.parametrize("who", ["nobody", "sam before his code", "alice"])
def test_who_is_no_verified_super_admin_learns_of_no_model(
    world: World, browser_of: ClientFactory, who: str
) -> None:
    people = world.people
    person = {"nobody": None, "alice": people.alice}.get(who, people.sam)
    for path in [*PATHS, *OTHERS, *(f"{path}1/change/" for path in PATHS)]:
        client = browser_of(person, verified=False)
        response = client.get(path)
        assert response.status_code == 302
        assert response.headers["Location"] == f"/admin/login/?next={quote(path)}"


def test_the_admin_is_not_on_organizations_hosts(world: World, browser_of: ClientFactory) -> None:
    inside = browser_of(world.people.sam, world.acme, acting_inside=world.acme)
    for client in (inside, browser_of(world.people.alice, world.acme)):
        statuses = {client.get(path).status_code for path in ("/admin/", *PATHS, *OTHERS)}
        assert statuses == {404}


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/admin/accounts/user/", "/admin/accounts/user/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("/\\evil.example/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_signing_in_leads_to_this_host_only(
    world: World, browser_of: ClientFactory, sam: CanaryClient, target: str, leads_to: str
) -> None:
    asked = f"/admin/login/?next={quote(target)}"
    assert sam.get(asked).headers["Location"] == leads_to
    signed_out = browser_of(None).get(asked).headers["Location"]
    assert signed_out == f"/sign-in/?next={leads_to}"


def test_signing_out_in_the_admin_is_signing_out(world: World, sam: CanaryClient) -> None:
    assert sam.get("/admin/logout/").status_code == 405
    assert sam.post("/admin/logout/").headers["Location"] == "/sign-in/"
    assert sam.get("/admin/").status_code == 302
    with platform():
        assert Entry.objects.filter(code="accounts.signed_out").count() == 1


@pytest.mark.parametrize("path", ["password_change/", "password_change/done/"])
def test_passwords_are_changed_on_our_own_page(sam: CanaryClient, path: str) -> None:
    for response in (sam.get(f"/admin/{path}"), sam.post(f"/admin/{path}", {})):
        assert response.headers["Location"] == "/account/password/"


# --- Whatever stands in the address --------------------------------------------------------------

KEYS = [
    "0", "-1", "abc", "9" * 40, "1e9", "_5F", "_00", "a/b", "..;", "%F0%9F%98%80", "%ED%A0%80",
    "%FF", " ", str(uuid.UUID(int=0)), "0193f000-0000-7000-8000-00000000000", "x" * 3000,
]  # fmt: skip
QUERIES = [
    "e=1", "e=1&p=abc", "o=999", "o=-", "o=1.2.x", "o=-99999999999999999999", "p=99999999", "p=0",
    "p=-5", "p=abc", "p=" + "9" * 400, "q=" + "a+" * 3000, "q=%22", "q='", "q=%5C", "q=%ED%A0%80",
    "q=%25_%5C", "q=0", "all=", "_facets=True", "_popup=1", "_changelist_filters=%FF",
    "nothing=1", "nothing__exact=1", "id__exact=1", "pk=1", "user__email=a",
    "_to_field=id", "is_active__exact=", "is_active__exact=7", "=", "&&&",
]  # fmt: skip
VALUES = ["", "x", "9" * 40, "%FF", "2026-13-45", "0001-01-01"]


@pytest.mark.parametrize("page", ["", "change/", "history/", "delete/"])
@every_model
def test_a_malformed_key_is_no_error_of_ours(
    sam: CanaryClient, admin: RecordAdmin, page: str
) -> None:
    found = {key: sam.get(f"{path_of(admin)}{key}/{page}").status_code for key in KEYS}
    assert {key: status for key, status in found.items() if status not in (302, 403, 404)} == {}


@every_model
def test_a_malformed_query_is_no_error_of_ours(sam: CanaryClient, admin: RecordAdmin) -> None:
    fill_records(range(1))
    filters = [
        f"{name}{lookup}={value}"
        for name in admin._filters()
        for lookup in ("", "__exact", "__gte", "__isnull", "__year")
        for value in VALUES
    ]
    path = path_of(admin)
    found = {query: sam.get(f"{path}?{query}").status_code for query in QUERIES + filters}
    assert {query: status for query, status in found.items() if status >= 500} == {}


DATES = [
    ("0", "1", "1"), ("1", "1", "1"), ("9999", "12", "31"), ("9999", "", ""), ("99999", "", ""),
    ("9" * 30, "", ""), ("2026", "13", ""), ("2026", "2", "31"), ("x", "1", "1"), ("-5", "", ""),
    ("", "", "1"), ("", "9" * 30, ""), ("2026", "9" * 30, ""), ("9999", "12", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    "admin", [admin for admin in ADMINS if admin.date_hierarchy],
    ids=[admin.opts.model_name for admin in ADMINS if admin.date_hierarchy],
)  # fmt: skip
def test_a_day_that_never_was_is_no_error_of_ours(sam: CanaryClient, admin: RecordAdmin) -> None:
    fill_records(range(1))
    for date in DATES:
        parts = zip(("year", "month", "day"), date, strict=True)
        query = {f"{admin.date_hierarchy}__{part}": value for part, value in parts if value}
        assert sam.get(path_of(admin), query).status_code < 400, date


def test_what_an_address_asks_in_vain_is_said(sam: CanaryClient) -> None:
    response = sam.get("/admin/accounts/user/?is_active__exact=7", follow=True)
    assert "not understood. Everything is shown instead." in response.content.decode()
    assert response.request["QUERY_STRING"] == ""


@pytest.mark.parametrize(
    "path", ["r/7/abc/", "r/abc/7/", "r/7/1/", "autocomplete/", "autocomplete/?term=a", "nothing/"]
)
def test_what_leads_nowhere_is_404(sam: CanaryClient, path: str) -> None:
    assert sam.get(f"/admin/{path}").status_code == 404


# --- What the lists cost, and say ----------------------------------------------------------------


def queries_for(client: CanaryClient, path: str) -> int:
    """After a look that fills the caches, the short-lived list of allowed networks among them."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@every_model
def test_fifty_rows_cost_as_many_queries_as_two(sam: CanaryClient, admin: RecordAdmin) -> None:
    fill_records(range(2))
    few = queries_for(sam, path_of(admin))
    fill_records(range(2, 50))
    assert queries_for(sam, path_of(admin)) == few


@every_model
def test_no_page_needs_an_exception_of_the_csp(sam: CanaryClient, admin: RecordAdmin) -> None:
    """Of all templates that can come first: django-tenants has some of the admin's, with styles."""
    fill_records(range(1))
    app = f"/admin/{admin.opts.app_label}/"
    for path in (path_of(admin), f"{path_of(admin)}{key_of(admin)}/change/", app, "/admin/"):
        page = sam.get(path).content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=", page) == [], path


@every_model
def test_lists_say_what_changes_their_records(sam: CanaryClient, admin: RecordAdmin) -> None:
    assert admin.note
    page = sam.get(path_of(admin)).content.decode()
    assert '<p class="record-note">' in page
    assert "Select " not in page.partition("<main")[2].partition("</h1>")[0]


def test_an_organization_leads_to_its_page(world: World, sam: CanaryClient) -> None:
    page = sam.get(f"/admin/tenants/organization/{world.acme.pk}/change/").content.decode()
    assert f'href="/organizations/{world.acme.pk}/"' in page


def test_people_without_a_second_factor_are_found(world: World, sam: CanaryClient) -> None:
    page = sam.get("/admin/accounts/user/?second_factor=no").content.decode()
    assert "alice@example.com" in page
    assert "1 result" not in page
    assert ">sam@example.com<" not in page.partition('id="result_list"')[2]


def test_failed_jobs_are_found_with_their_arguments(sam: CanaryClient) -> None:
    fill_records(range(1))
    page = sam.get("/admin/procrastinate/procrastinatejob/?status__exact=failed").content.decode()
    assert "{&quot;user_id&quot;: 0}" in page
