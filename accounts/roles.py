"""Who may do what, in one table. Views, API, navigation, templates and tests read it from here."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    """What a person is in one organization. Super admins are no members: they act inside."""

    ADMIN = "org_admin", "Admin"
    VIEWER = "org_viewer", "Viewer"


SUPER_ADMIN = "super_admin"


class Right(StrEnum):
    """One thing a person may do in an organization."""

    READ = "read"
    SEE_PERSONAL_DATA = "see_personal_data"
    EXPORT_PERSONAL_DATA = "export_personal_data"
    EXPORT = "export"
    READ_AUDIT = "read_audit"
    READ_BODIES = "read_bodies"
    CLASSIFY_CALLS = "classify_calls"
    ANNOTATE_CALLS = "annotate_calls"
    DELETE_NOTES = "delete_notes"
    SHARE_VIEWS = "share_views"
    RENAME_AGENTS = "rename_agents"
    REPLAY_DELIVERIES = "replay_deliveries"
    MANAGE_USERS = "manage_users"
    MANAGE_ACCESS = "manage_access"
    MANAGE_SETTINGS = "manage_settings"
    MANAGE_RETELL = "manage_retell"
    MANAGE_API = "manage_api"
    MANAGE_NOTICES = "manage_notices"

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Right.READ: "Read the overview, calls, chats, agents and deliveries",
    Right.SEE_PERSONAL_DATA: "See whole phone numbers",
    Right.EXPORT_PERSONAL_DATA: "Export with whole phone numbers and transcripts",
    Right.EXPORT: "Export with numbers masked",
    Right.READ_AUDIT: "Read the audit log",
    Right.READ_BODIES: "Read the raw bodies of deliveries",
    Right.CLASSIFY_CALLS: "Class calls as revenue or test",
    Right.ANNOTATE_CALLS: "Write notes on calls and tag them",
    Right.DELETE_NOTES: "Delete notes of others",
    Right.SHARE_VIEWS: "Make, change and delete views of calls that everybody sees",
    Right.RENAME_AGENTS: "Rename agents",
    Right.REPLAY_DELIVERIES: "Apply deliveries again",
    Right.MANAGE_USERS: "Invite people, change roles, remove people",
    Right.MANAGE_ACCESS: "Decide about second factors, viewers' rights and the operator's access",
    Right.MANAGE_SETTINGS: "Change the organization's name, time zone, colour and logo",
    Right.MANAGE_RETELL: "Manage the Retell connection and its keys",
    Right.MANAGE_API: "Make and revoke API keys, and say which pages may use the API",
    Right.MANAGE_NOTICES: "Manage outgoing webhooks and their secrets",
}


class Allowed(StrEnum):
    YES = "yes"
    NO = "no"
    # As the organization's admins decided; see `accounts.models.AccessPolicy`.
    POLICY = "policy"


_YES, _NO, _POLICY = Allowed.YES, Allowed.NO, Allowed.POLICY

# A super admin's column is what they may do while acting inside an organization: read.
TABLE: dict[Right, dict[str, Allowed]] = {
    right: {SUPER_ADMIN: acting, Role.ADMIN: admin, Role.VIEWER: viewer}
    for right, acting, admin, viewer in (
        #                             acting inside  admin   viewer
        (Right.READ,                   _YES,         _YES,   _YES),
        (Right.SEE_PERSONAL_DATA,      _NO,          _YES,   _POLICY),
        (Right.EXPORT_PERSONAL_DATA,   _NO,          _YES,   _POLICY),
        (Right.EXPORT,                 _NO,          _YES,   _YES),
        (Right.READ_AUDIT,             _YES,         _YES,   _NO),
        (Right.READ_BODIES, _NO,          _YES,   _NO),
        (Right.CLASSIFY_CALLS,         _NO,          _YES,   _NO),
        (Right.ANNOTATE_CALLS,         _NO,          _YES,   _YES),
        (Right.DELETE_NOTES,           _NO,          _YES,   _NO),
        (Right.SHARE_VIEWS,            _NO,          _YES,   _NO),
        (Right.RENAME_AGENTS,          _NO,          _YES,   _NO),
        (Right.REPLAY_DELIVERIES,      _NO,          _YES,   _NO),
        (Right.MANAGE_USERS,           _NO,          _YES,   _NO),
        (Right.MANAGE_ACCESS,          _NO,          _YES,   _NO),
        (Right.MANAGE_SETTINGS,        _NO,          _YES,   _NO),
        (Right.MANAGE_RETELL,          _NO,          _YES,   _NO),
        (Right.MANAGE_API,             _NO,          _YES,   _NO),
        (Right.MANAGE_NOTICES,         _NO,          _YES,   _NO),
    )
}  # fmt: skip


def rights_of(role: str, allowed_by_policy: frozenset[Right] = frozenset()) -> frozenset[Right]:
    """The rights of a role; those marked POLICY only if the organization allows them."""
    return frozenset(
        right
        for right, columns in TABLE.items()
        if columns[role] == Allowed.YES
        or (columns[role] == Allowed.POLICY and right in allowed_by_policy)
    )
