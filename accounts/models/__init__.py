"""People, what they may do where, and how they were let in. Shared tables, in schema `public`."""

from accounts.models.api import ApiKey, ApiKeyState, IdempotentAnswer, TokenFamily
from accounts.models.email_change import EmailChange
from accounts.models.handover import Handover
from accounts.models.invitations import Invitation, InvitationState
from accounts.models.people import Membership, User, UserManager, normalize_email
from accounts.models.policy import AccessPolicy
from accounts.models.recovery import RecoveryCode, RecoveryCodes, normalize_recovery_code
from accounts.models.sessions import KnownDevice, Session
from accounts.models.visits import ActingInside, VisitState
from accounts.roles import Role

__all__ = [
    "AccessPolicy",
    "ActingInside",
    "ApiKey",
    "ApiKeyState",
    "EmailChange",
    "Handover",
    "IdempotentAnswer",
    "Invitation",
    "InvitationState",
    "KnownDevice",
    "Membership",
    "RecoveryCode",
    "RecoveryCodes",
    "Role",
    "Session",
    "TokenFamily",
    "User",
    "UserManager",
    "VisitState",
    "normalize_email",
    "normalize_recovery_code",
]
