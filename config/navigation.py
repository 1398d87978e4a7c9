"""What every page's frame shows: navigation, live socket."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import access
from accounts.http import VisitorRequest
from accounts.roles import Right
from notifications.issuing import ticket_for
from tenants.models import Organization

# label, icon, URL name, right it takes
_ORGANIZATION = (
    (
        None,
        (
            ("Overview", "layout-dashboard", "analytics:overview", Right.READ),
            ("Calls", "phone", "calls:list", Right.READ),
            ("Chats", "message-square", "calls:chat_list", Right.READ),
            ("Agents", "bot", "agents:list", Right.READ),
            ("Exports", "download", "exports:list", Right.EXPORT),
        ),
    ),
    (
        "Workspace",
        (
            ("Deliveries", "webhook", "webhooks:list", Right.READ),
            ("Completeness", "list-checks", "completeness:overview", Right.READ),
            ("Jobs", "loader", "jobs:list", Right.REPLAY_DELIVERIES),
            ("Alerts", "bell", "webhooks:alert_list", Right.READ),
            ("Users", "users", "accounts:users", Right.MANAGE_USERS),
            (_("Audit log"), "scroll-text", "audit:list", Right.READ_AUDIT),
            ("Settings", "settings", "accounts:general", Right.MANAGE_SETTINGS),
        ),
    ),
)
# Pages of settings stand in tabs above each other, and behind one entry of the sidebar.
_SETTINGS = (
    (_("General"), "accounts:general", Right.MANAGE_SETTINGS),
    (_("Branding"), "accounts:branding", Right.MANAGE_SETTINGS),
    (_("Currency"), "accounts:currency", Right.MANAGE_SETTINGS),
    (_("Retell"), "retell:connection", Right.MANAGE_RETELL),
    (_("API"), "accounts:api", Right.MANAGE_API),
    (_("Outgoing webhooks"), "notices:list", Right.MANAGE_NOTICES),
    (_("Access"), "accounts:access_policy", Right.MANAGE_ACCESS),
    (_("Retention"), "webhooks_settings:retention", Right.MANAGE_ACCESS),
    (_("Operator visits"), "accounts:visits", Right.MANAGE_ACCESS),
)
# After "g"; one letter a page.
_KEYS = {
    "analytics:overview": "o",
    "calls:list": "c",
    "calls:chat_list": "h",
    "agents:list": "a",
    "exports:list": "e",
    "webhooks:list": "d",
    "jobs:list": "j",
    "accounts:users": "u",
    "audit:list": "l",
    "accounts:general": "s",
    "operations:organization_list": "o",
    "operations:system": "y",
    "operations:backups": "b",
    "operations:readiness": "r",
}
_OPERATOR = (
    (
        None,
        (
            ("Organizations", "building-2", "operations:organization_list", None),
            (_("System"), "server", "operations:system", None),
            (_("Backups"), "archive", "operations:backups", None),
            (_("Readiness"), "clipboard-check", "operations:readiness", None),
            (_("Audit log"), "scroll-text", "audit:list", None),
            (_("API"), "plug", "accounts:api", None),
            ("Records", "database", "admin:index", None),
        ),
    ),
)


def _sections(request: VisitorRequest) -> list[dict[str, Any]]:
    shown = _ORGANIZATION if request.organization else _OPERATOR
    namespace = request.resolver_match.view_name if request.resolver_match else ""
    sections = []
    for label, items in shown:
        rows = [
            {
                "label": text,
                "icon": icon,
                "url": reverse(name),
                "key": _KEYS.get(name, ""),
                "current": _is_current(name, namespace),
            }
            for text, icon, name, right in items
            if right is None or access.may(request, right)
        ]
        if rows:
            sections.append({"label": label, "items": rows})
    return sections


def _settings_tabs(request: VisitorRequest) -> list[dict[str, Any]]:
    """The tabs of the settings, on one of their pages; else none."""
    shown = request.resolver_match.view_name if request.resolver_match else ""
    if not request.organization or not _is_setting(shown):
        return []
    return [
        {"label": label, "url": reverse(name), "current": _is_tab(name, shown), "count": None}
        for label, name, right in _SETTINGS
        if access.may(request, right)
    ]


def _is_setting(shown: str) -> bool:
    return any(_is_tab(name, shown) for _label, name, _right in _SETTINGS)


def _is_tab(name: str, shown: str) -> bool:
    """A tab that is a list of things stays lit on the pages of each."""
    app, _, view = name.partition(":")
    return name == shown or (view == "list" and app == shown.partition(":")[0])


def _is_current(name: str, shown: str) -> bool:
    """Pages of one thing light up its list: calls:detail → calls:list, chat_detail → chat_list,
    users_invite → users."""
    if name == shown or (name == "accounts:general" and _is_setting(shown)):
        return True
    app, _, view = name.partition(":")
    shown_app, _, shown_view = shown.partition(":")
    thing = view.removesuffix("list").rstrip("_")
    same_thing = shown_view.startswith(f"{thing}_") if thing else shown_view == "detail"
    return app == shown_app and same_thing


def _live(request: VisitorRequest) -> dict[str, str] | None:
    ticket = ticket_for(request)
    return {"url": live_url(request), "ticket": ticket} if ticket else None


def live_url(request: VisitorRequest) -> str:
    """In production the proxy routes the path; in development `live` has a port of its own."""
    scheme = "wss" if settings.SECURE else "ws"
    host = request.get_host()
    if not settings.PRODUCTION:
        host = f"{host.rpartition(':')[0] or host}:{settings.LIVE_PORT}"
    return f"{scheme}://{host}{settings.LIVE_PATH}"


def page_shell(request: VisitorRequest) -> dict[str, Any]:
    """Context processor of all pages."""
    shell: dict[str, Any] = {"navigation": [], "live": None, "has_demo": _has_demo(request)}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return shell
    return shell | {
        "navigation": _sections(request),
        "settings_tabs": _settings_tabs(request),
        "live": _live(request),
        # `{% if can.manage_users %}`: the table of accounts/roles.py.
        "can": {right.value: True for right in request.standing.rights},
        "acting": request.standing.acting,
    }


def _has_demo(request: VisitorRequest) -> bool:
    """Whether the operator host shows made-up organizations among the others."""
    on_operator_host = getattr(request, "organization", None) is None
    return on_operator_host and Organization.objects.demo().exists()
