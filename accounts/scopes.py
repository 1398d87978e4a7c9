"""What a key of the API may do, in one table. Views, pages, documentation and tests read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from accounts.roles import Right


class Scope(StrEnum):
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    PERSONAL_READ = "personal:read"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_REPLAY = "deliveries:replay"
    USAGE_READ = "usage:read"
    EXPORTS = "exports"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    AUDIT_READ = "audit:read"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    # Of the operator host.
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"

    @property
    def description(self) -> str:
        return str(TABLE[self].description)


@dataclass(frozen=True, slots=True)
class Meaning:
    """`gives`: what a key with the scope may do. `needs`: what a person must be allowed for their
    tokens to have it; None on the operator host, where super admins have all."""

    description: object
    gives: frozenset[Right]
    needs: Right | None


def _meaning(description: object, needs: Right | None, *gives: Right) -> Meaning:
    return Meaning(description, frozenset(gives), needs)


TABLE: dict[Scope, Meaning] = {
    Scope.CALLS_READ: _meaning(
        _("Read calls, transcripts and chats, numbers masked"), Right.READ, Right.READ
    ),
    Scope.CALLS_WRITE: _meaning(
        _("Class calls as revenue or test, tag them, write notes"),
        Right.ANNOTATE_CALLS, Right.CLASSIFY_CALLS, Right.ANNOTATE_CALLS,
    ),
    Scope.PERSONAL_READ: _meaning(
        _("See whole phone numbers in what the other scopes read"),
        Right.SEE_PERSONAL_DATA, Right.SEE_PERSONAL_DATA,
    ),
    Scope.AGENTS_READ: _meaning(_("Read agents"), Right.READ, Right.READ),
    Scope.AGENTS_WRITE: _meaning(_("Rename agents"), Right.RENAME_AGENTS, Right.RENAME_AGENTS),
    Scope.DELIVERIES_READ: _meaning(
        _("Read the log of deliveries, without their bodies"), Right.READ, Right.READ
    ),
    Scope.DELIVERIES_REPLAY: _meaning(
        _("Apply deliveries again"), Right.REPLAY_DELIVERIES, Right.REPLAY_DELIVERIES
    ),
    Scope.USAGE_READ: _meaning(
        _("Read calls, minutes, success and cost by day, hour or agent"), Right.READ, Right.READ
    ),
    Scope.EXPORTS: _meaning(
        _("Make and download exports; with personal:read, of personal data too"),
        Right.EXPORT, Right.EXPORT,
    ),
    Scope.USERS_READ: _meaning(_("Read who is a member"), Right.MANAGE_USERS, Right.READ),
    Scope.USERS_WRITE: _meaning(
        _("Invite and remove people, change roles: as much as an admin may"),
        Right.MANAGE_USERS, Right.MANAGE_USERS,
    ),
    Scope.AUDIT_READ: _meaning(_("Read the audit log"), Right.READ_AUDIT, Right.READ_AUDIT),
    Scope.SUBSCRIPTIONS_READ: _meaning(
        _("Read outgoing webhooks and what was sent to them"),
        Right.MANAGE_NOTICES, Right.MANAGE_NOTICES,
    ),
    Scope.SUBSCRIPTIONS_WRITE: _meaning(
        _("Make, change and delete outgoing webhooks, read new secrets, send again"),
        Right.MANAGE_NOTICES, Right.MANAGE_NOTICES,
    ),
    Scope.ORGANIZATIONS_READ: _meaning(
        _("Read organizations, their usage and the health of their deliveries"), None
    ),
    Scope.ORGANIZATIONS_WRITE: _meaning(
        _("Create, suspend and resume organizations"), None
    ),
}  # fmt: skip

OF_OPERATOR = frozenset(scope for scope, meaning in TABLE.items() if meaning.needs is None)
OF_ORGANIZATIONS = frozenset(TABLE) - OF_OPERATOR


def known(values: Iterable[str]) -> frozenset[Scope]:
    """Those of stored values that this version knows."""
    return frozenset(Scope(value) for value in values if value in Scope.__members__.values())


def rights_of_scopes(scopes: frozenset[Scope]) -> frozenset[Right]:
    """What a key with these scopes may do."""
    rights = frozenset[Right]().union(*(TABLE[scope].gives for scope in scopes))
    if scopes >= {Scope.EXPORTS, Scope.PERSONAL_READ}:
        rights |= {Right.EXPORT_PERSONAL_DATA}
    return rights


def scopes_of_rights(rights: frozenset[Right]) -> frozenset[Scope]:
    """What a person's tokens may do in an organization."""
    return frozenset(scope for scope in OF_ORGANIZATIONS if TABLE[scope].needs in rights)
