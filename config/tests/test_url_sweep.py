"""Every URL × method × person has an expected status; a URL that nobody listed fails.

Columns: GET, then POST, each for the same eight people with a session for that host: nobody, Bob
the viewer, Alice the admin, Eve who is no member any more, Charlie who administers another
organization, Sam the operator before his code, Sam, and Sam acting inside the organization.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential
from procrastinate.contrib.django.models import (
    ProcrastinateEvent,
    ProcrastinateJob,
    ProcrastinatePeriodicDefer,
    ProcrastinateWorker,
)

from accounts.actions import invitations, members
from accounts.models import (
    AccessPolicy,
    ActingInside,
    ApiKey,
    EmailChange,
    Invitation,
    KnownDevice,
    Membership,
    RecoveryCodes,
    Role,
    Session,
    TokenFamily,
    User,
)
from agents.models import Agent
from audit.models import Entry
from calls.models import Call, CallNote, CallTag, Chat, SavedView, Tag
from exports.models import Export
from jobs.models import Job
from notices.models import Attempt, Message, Sending, Subscription
from notices.signing import new_secret, seal
from operations.models import AllowedNetwork
from tenants.models import Domain, Organization, WebhookEndpoint
from tenants.pin import organization_context
from tenants.scope import platform
from testing.api import ProgramFactory
from testing.fixtures import CANARIES, PASSWORD, CanaryClient, ClientFactory, World
from testing.records import fill_records
from webhooks.models import Delivery

ORGANIZATION = """
/                                       302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/figures/                               302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/now/                                   302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/audit/                                 302 403 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/audit/export/                          302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/agents/                                302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/agents/<uuid:agent_id>/                302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/agents/<uuid:agent_id>/edit/           405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/                                 302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/calls/columns/                         405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/calls/change/                          302 302 302 302 302 302 302 403   302 302 302 302 302 302 302 403
/calls/views/new/                       302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/calls/views/<uuid:view_id>/edit/       302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/calls/views/<uuid:view_id>/update/     405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/views/<uuid:view_id>/delete/     405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/views/<uuid:view_id>/default/    405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/calls/<uuid:call_id>/                  302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/calls/<uuid:call_id>/classify/         405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/find/                            302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/calls/chats/                           302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/calls/chats/<uuid:chat_id>/            302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/deliveries/                            302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/deliveries/<uuid:delivery_id>/         302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/deliveries/<uuid:delivery_id>/replay/  405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/deliveries/alerts/                     302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/settings/users/                        302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/users/<uuid:user_id>/         302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/users/<uuid:user_id>/role/    405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/users/<uuid:user_id>/remove/  405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/users/invite/                 302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/users/invitations/<uuid:invitation_id>/link/    405 405 405 405 405 405 405 405   302 403 200 302 302 302 302 403
/settings/users/invitations/<uuid:invitation_id>/resend/  405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/users/invitations/<uuid:invitation_id>/revoke/  405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/account/leave/                         302 200 200 302 302 302 302 403   302 302 302 302 302 302 302 403
/invitations/<str:token>/               200 200 200 200 200 200 200 200   200 200 200 200 200 200 200 200
/sign-in/                               200 200 200 200 200 200 200 200   200 200 200 200 200 200 200 200
/sign-in/code/                          302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/sign-in/passkey/                       405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/sign-in/passkey/options/               405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/sign-out/                              405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/confirm/                               302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/account/security/                      302 200 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/account/security/apps/                 405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/account/security/apps/<int:pk>/delete/  405 405 405 405 405 405 405 405   302 404 404 302 302 302 302 403
/account/security/apps/new/             302 302 302 302 302 302 302 403   302 302 302 302 302 302 302 403
/account/security/recovery-codes/       405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/branding/accent-<slug:digits>.css                        200 200 200 200 200 200 200 200   405 405 405 405 405 405 405 405
/branding/logo-<slug:sha256>.png                          404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/settings/                                                302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/branding/                                       302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/currency/                                       302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/access/                       302 403 200 302 302 302 302 403   302 403 302 302 302 302 302 403
/account/passkeys/<int:pk>/delete/      302 404 404 302 302 302 302 403   302 404 404 302 302 302 302 403
/account/passkeys/<int:pk>/edit/        302 404 404 302 302 302 302 403   302 404 404 302 302 302 302 403
/account/passkeys/new/                  302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/account/passkeys/new/options/          405 405 405 405 405 405 405 405   302 200 200 302 302 302 302 403
/enter/<str:token>/                     404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/leave/                                 405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 200
/settings/visits/                       302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/visits/<uuid:acting_id>/allow/  405 405 405 405 405 405 405 405   302 403 404 302 302 302 302 403
/settings/visits/<uuid:acting_id>/refuse/  405 405 405 405 405 405 405 405   302 403 404 302 302 302 302 403
/switch/                                   302 200 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/switch/<uuid:organization_id>/            302 302 302 302 302 302 302 403   405 405 405 405 405 405 405 405
/switch/operator/                          302 404 404 302 302 302 302 403   405 405 405 405 405 405 405 405
/account/sessions/                         302 200 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/account/sessions/<uuid:session_id>/end/   405 405 405 405 405 405 405 405   302 404 404 302 302 302 302 403
/account/sessions/end/                     405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/live-ticket/                                             302 204 204 302 302 302 302 204   405 405 405 405 405 405 405 405
/exports/                                                 302 200 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/exports/new/                                             302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/exports/new/chats/                                       302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/exports/<uuid:export_id>/                                302 404 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/exports/<uuid:export_id>/download/                       302 404 302 302 302 302 302 403   405 405 405 405 405 405 405 405
/exports/<uuid:export_id>/cancel/                         405 405 405 405 405 405 405 405   302 404 302 302 302 302 302 403
/exports/<uuid:export_id>/delete/                         405 405 405 405 405 405 405 405   302 404 302 302 302 302 302 403
/jobs/                                                    302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/jobs/<uuid:job_id>/                                      302 404 200 302 302 302 302 404   405 405 405 405 405 405 405 405
/jobs/<uuid:job_id>/cancel/                               405 405 405 405 405 405 405 405   302 404 302 302 302 302 302 403
/deliveries/replay/                                       302 403 200 302 302 302 302 403   302 403 302 302 302 302 302 403
/settings/retention/                                      302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/forgotten/                                               200 200 200 200 200 200 200 200   200 200 200 200 200 200 200 200
/reset/<str:uid>/<str:token>/                             404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/email-change/<str:token>/                                302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/account/profile/                                         302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/account/password/                                        302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/account/email/                                           302 200 200 302 302 302 302 403   302 200 200 302 302 302 302 403
/account/email/stop/                                      405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/completeness/                                            302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/completeness/compare/                                    405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/completeness/accept/                                     405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/completeness/history/                                    405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/                                         302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/retell/api-key/                                 405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/api-key/check/                           405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/disconnect/                              405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/signing-key/                             405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/signing-key/old/remove/                  405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/signing-key/remove/                      405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/url/                                     405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/retell/url/<uuid:endpoint_id>/revoke/           405 405 405 405 405 405 405 405   302 403 404 302 302 302 302 403
/agents/<uuid:agent_id>/webhook/                          302 403 200 302 302 302 302 403   302 403 302 302 302 302 302 403
/agents/sync/                                             405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/<uuid:call_id>/recording/                          302 404 404 302 302 302 302 404   405 405 405 405 405 405 405 405
/calls/<uuid:call_id>/notes/new/                          405 405 405 405 405 405 405 405   302 200 200 302 302 302 302 403
/calls/<uuid:call_id>/notes/<uuid:note_id>/edit/          405 405 405 405 405 405 405 405   302 403 403 302 302 302 302 403
/calls/<uuid:call_id>/notes/<uuid:note_id>/delete/        405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/calls/<uuid:call_id>/tags/new/                           405 405 405 405 405 405 405 405   302 200 200 302 302 302 302 403
/calls/<uuid:call_id>/tags/<uuid:tag_id>/delete/          405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 403
/api/v1/openapi.json                                      401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/calls                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/calls/<uuid:call_id>                              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/calls/<uuid:call_id>/transcript                   401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/chats                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/chats/<uuid:chat_id>                              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/agents                                            401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/agents/<uuid:agent_id>                            401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/deliveries                                        401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/deliveries/replay                                 401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/deliveries/<uuid:delivery_id>                     401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/deliveries/<uuid:delivery_id>/replay              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/jobs/<uuid:job_id>                                401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/usage                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/exports                                           401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/exports/chats                                     401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/exports/<uuid:export_id>                          401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/exports/<uuid:export_id>/download                 401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/users                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/users/<uuid:user_id>                              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/invitations                                       401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/audit                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions                                     401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/secret       401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/test         401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/replay       401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/messages     401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/messages/<uuid:sending_id> 401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/subscriptions/<uuid:subscription_id>/messages/<uuid:sending_id>/replay 401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/token                                             405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/token/refresh                                     405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/token/revoke                                      405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/docs/                                             302 200 200 302 302 302 302 200   405 405 405 405 405 405 405 405
/settings/api/                                            302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/api/keys/new/                                   302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/api/keys/<uuid:key_id>/rotate/                  302 403 404 302 302 302 302 403   302 403 404 302 302 302 302 403
/settings/api/keys/<uuid:key_id>/revoke/                  405 405 405 405 405 405 405 405   302 403 404 302 302 302 302 403
/settings/api/origins/                                    405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/                                        302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/notices/new/                                    302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/                 302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/notices/<uuid:subscription_id>/edit/            302 403 200 302 302 302 302 403   302 403 200 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/secret/          405 405 405 405 405 405 405 405   302 403 200 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/delete/          405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/enable/          405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/disable/         405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/test/            405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/replay/          405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
/settings/notices/<uuid:subscription_id>/messages/<uuid:sending_id>/          302 403 200 302 302 302 302 403   405 405 405 405 405 405 405 405
/settings/notices/<uuid:subscription_id>/messages/<uuid:sending_id>/replay/   405 405 405 405 405 405 405 405   302 403 302 302 302 302 302 403
"""
OPERATOR = """
/system/                                           302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/system/jobs/<int:job_id>/retry/                   405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/system/jobs/<int:job_id>/discard/                 405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/                                                  302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/audit/                                            302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/audit/export/                                     302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/organizations/new/                                302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/organizations/<uuid:organization_id>/             302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/organizations/<uuid:organization_id>/resume/      405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/organizations/<uuid:organization_id>/setup/        302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/organizations/<uuid:organization_id>/suspend/     405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/backups/                                          302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/backups/new/                                      405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/backups/<uuid:backup_id>/                         302 302 302 302 302 302 404 302   405 405 405 405 405 405 405 405
/backups/<uuid:backup_id>/prove/                   405 405 405 405 405 405 405 405   302 302 302 302 302 302 404 302
/readiness/                                        302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/readiness/measure/                                405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/readiness/<slug:code>/                            302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/readiness/<slug:code>/withdraw/                   405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/settings/users/                                   404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/settings/users/<uuid:user_id>/                    404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/settings/users/<uuid:user_id>/role/               405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/settings/users/<uuid:user_id>/remove/             405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/settings/users/invite/                            404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/settings/users/invitations/<uuid:invitation_id>/link/    405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/settings/users/invitations/<uuid:invitation_id>/resend/  405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/settings/users/invitations/<uuid:invitation_id>/revoke/  405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/account/leave/                                    302 302 302 302 302 302 404 302   302 302 302 302 302 302 404 302
/invitations/<str:token>/                          404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/sign-in/                                          200 200 200 200 200 200 200 200   200 200 200 200 200 200 200 200
/sign-in/code/                                     302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/sign-in/passkey/                                  405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/sign-in/passkey/options/                          405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/sign-out/                                         405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/confirm/                                          302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/account/security/                                 302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/account/security/apps/                            405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/account/security/apps/<int:pk>/delete/            405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/account/security/apps/new/                        302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/account/security/recovery-codes/                  405 405 405 405 405 405 405 405   302 302 302 302 302 302 200 302
/settings/                                          404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/settings/branding/                                 404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/settings/currency/                                 404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/settings/access/                                  404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/account/passkeys/<int:pk>/delete/                 302 302 302 302 302 302 404 302   302 302 302 302 302 302 404 302
/account/passkeys/<int:pk>/edit/                   302 302 302 302 302 302 404 302   302 302 302 302 302 302 404 302
/account/passkeys/new/                             302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/account/passkeys/new/options/                     405 405 405 405 405 405 405 405   302 302 302 302 302 302 200 302
/dev/mailbox/                                      200 200 200 200 200 200 200 200   405 405 405 405 405 405 405 405
/dev/mailbox/<str:name>/                           404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/dev/mailbox/<str:name>/html/                      404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/admin/                                            302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/admin/login/                                      302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/admin/logout/                                     302 302 302 302 302 302 405 302   302 302 302 302 302 302 302 302
/admin/password_change/                            302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/admin/password_change/done/                       302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/admin/jsi18n/                                     302 302 302 302 302 302 200 302   302 302 302 302 302 302 405 302
/admin/^(?P<app_label>accounts|audit|otp_totp|django_otp_webauthn|procrastinate|operations|tenants)/$  302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/admin/(?P<url>.*)$                                302 302 302 302 302 302 404 302   302 302 302 302 302 302 404 302
/enter/<str:token>/                                   404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/leave/                                               405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/organizations/<uuid:organization_id>/visit/          405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/organizations/<uuid:organization_id>/visit/enter/    302 302 302 302 302 302 302 302   405 405 405 405 405 405 405 405
/settings/visits/                                     404 404 404 404 404 404 404 404   405 405 405 405 405 405 405 405
/settings/visits/<uuid:acting_id>/allow/              405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/settings/visits/<uuid:acting_id>/refuse/             405 405 405 405 405 405 405 405   404 404 404 404 404 404 404 404
/switch/                                              302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/switch/<uuid:organization_id>/                       302 302 302 302 302 302 404 302   405 405 405 405 405 405 405 405
/switch/operator/                                     302 302 302 302 302 302 302 302   405 405 405 405 405 405 405 405
/account/sessions/                                    302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/account/sessions/<uuid:session_id>/end/              405 405 405 405 405 405 405 405   302 302 302 302 302 302 404 302
/account/sessions/end/                                405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/api/cache/stats                                      403 403 403 403 403 403 200 403   403 403 403 403 403 403 405 403
/forgotten/                                           200 200 200 200 200 200 200 200   200 200 200 200 200 200 200 200
/reset/<str:uid>/<str:token>/                         404 404 404 404 404 404 404 404   404 404 404 404 404 404 404 404
/email-change/<str:token>/                            302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/account/profile/                                     302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/account/password/                                    302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/account/email/                                       302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/account/email/stop/                                  405 405 405 405 405 405 405 405   302 302 302 302 302 302 302 302
/api/v1/openapi.json                                      401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/organizations                                     401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/organizations/<uuid:organization_id>              401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/organizations/<uuid:organization_id>/suspend      401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/organizations/<uuid:organization_id>/resume       401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/usage                                             401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/health                                            401 401 401 401 401 401 401 401   401 401 401 401 401 401 401 401
/api/v1/token                                             405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/token/refresh                                     405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/token/revoke                                      405 405 405 405 405 405 405 405   415 415 415 415 415 415 415 415
/api/v1/docs/                                             302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/settings/api/                                            302 302 302 302 302 302 200 302   405 405 405 405 405 405 405 405
/settings/api/keys/new/                                   302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/settings/api/keys/<uuid:key_id>/rotate/                  302 302 302 302 302 302 404 302   302 302 302 302 302 302 404 302
/settings/api/keys/<uuid:key_id>/revoke/                  405 405 405 405 405 405 405 405   302 302 302 302 302 302 404 302
/settings/api/origins/                                    405 405 405 405 405 405 405 405   302 302 302 302 302 302 404 302
"""
# The admin only shows: nothing is added, changed or deleted there, except the models below.
MODEL = """
/admin/{model}/                           302 302 302 302 302 302 200 302   302 302 302 302 302 302 200 302
/admin/{model}/<path:object_id>/          302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/admin/{model}/<path:object_id>/change/   302 302 302 302 302 302 200 302   302 302 302 302 302 302 403 302
/admin/{model}/<path:object_id>/delete/   302 302 302 302 302 302 403 302   302 302 302 302 302 302 403 302
/admin/{model}/<path:object_id>/history/  302 302 302 302 302 302 302 302   302 302 302 302 302 302 302 302
/admin/{model}/add/                       302 302 302 302 302 302 403 302   302 302 302 302 302 302 403 302
"""
EDITED_MODELS = {"operations/allowednetwork": AllowedNetwork}
MODELS: dict[str, type[Model]] = {
    "tenants/organization": Organization,
    "tenants/domain": Domain,
    "tenants/webhookendpoint": WebhookEndpoint,
    "accounts/user": User,
    "accounts/membership": Membership,
    "accounts/invitation": Invitation,
    "accounts/emailchange": EmailChange,
    "accounts/session": Session,
    "accounts/knowndevice": KnownDevice,
    "accounts/accesspolicy": AccessPolicy,
    "accounts/actinginside": ActingInside,
    "accounts/apikey": ApiKey,
    "accounts/tokenfamily": TokenFamily,
    "accounts/recoverycodes": RecoveryCodes,
    "otp_totp/totpdevice": TOTPDevice,
    "django_otp_webauthn/webauthncredential": WebAuthnCredential,
    "audit/entry": Entry,
    "procrastinate/procrastinatejob": ProcrastinateJob,
    "procrastinate/procrastinateevent": ProcrastinateEvent,
    "procrastinate/procrastinateperiodicdefer": ProcrastinatePeriodicDefer,
    "procrastinate/procrastinateworker": ProcrastinateWorker,
    **EDITED_MODELS,
}

ID = UUID("0193f000-0000-7000-8000-000000000001")
NOTICED_AT = "2026-11-01T00:00Z"


def urls(urlconf: str) -> set[str]:
    return set(_walk(get_resolver(urlconf).url_patterns))


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield "/" + route
        elif isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)


def fill(organization: Organization) -> None:
    """One of everything, with the same keys in every organization and its canary in every text."""
    canary = CANARIES[organization.slug]
    common: dict[str, Any] = {"summary": canary, "transcript": canary, "agent_id": "agent_1"}
    with organization_context(organization):
        Agent.objects.create(id=ID, retell_agent_id="agent_1", name=canary, retell_name=canary)
        Call.objects.create(id=ID, retell_call_id="call_1", from_number=canary, **common)
        CallNote.objects.create(id=ID, call_id=ID, text=canary, author=canary, author_id=ID)
        CallTag.objects.create(call_id=ID, tag=Tag.objects.create(id=ID, name=canary))
        Job.objects.create(id=ID, kind="replay", title=canary, message=canary, started_by=canary)
        Export.objects.create(
            id=ID, job_id=ID, format="csv", through=ID, filters=[canary], zone="UTC",
            sees_personal_data=True, whole_numbers=True, is_personal=True, asked_by_id=ID,
            asked_by=canary, expires_at="2126-11-01T00:00Z",
        )  # fmt: skip
        SavedView.objects.create(id=ID, name=canary, made_by=canary)
        Subscription.objects.create(
            id=ID, url=f"https://example.com/{canary}", description=canary, created_by=canary,
            topics=["call.final"], secret_encrypted=seal(new_secret(), organization.pk),
        )  # fmt: skip
        payload = {"type": "call.final", "timestamp": NOTICED_AT, "data": canary}
        Message.objects.create(id=ID, topic="call.final", payload=payload, created_at=NOTICED_AT)
        Sending.objects.create(id=ID, subscription_id=ID, message_id=ID)
        Attempt.objects.create(sending_id=ID, at=NOTICED_AT, duration_ms=1, answer=canary)
        Chat.objects.create(id=ID, retell_chat_id="chat_1", **common)
        Delivery.objects.create(
            id=ID, event="call_ended", subject_id="call_1", body_sha256=bytes(32), size_bytes=2,
            body=b"{}", state="failed", reason="apply_error", reason_detail=canary,
            received_at="2026-11-01T00:00Z", last_received_at="2026-11-01T00:00Z",
        )  # fmt: skip


def rows(table: str) -> dict[str, list[int]]:
    lines = (line.split() for line in table.strip().splitlines())
    return {url: [int(status) for status in statuses] for url, *statuses in lines}


def expected(urlconf: str) -> dict[str, list[int]]:
    if urlconf == "config.urls_organization":
        return rows(ORGANIZATION)
    listed = rows(OPERATOR)
    for model in MODELS:
        table = MODEL.replace("403", "200") if model in EDITED_MODELS else MODEL
        listed |= rows(table.format(model=model))
    return listed


@dataclass
class Person:
    """Cookies to send; taken anew for each request, so that signing out ends nothing."""

    client: CanaryClient
    cookies: str

    def ask(self, method: str, path: str) -> int:
        """The status, with everything the request wrote taken back."""
        self.client.cookies.clear()
        self.client.cookies.load(self.cookies)
        cache.clear()
        with transaction.atomic():
            status: int = getattr(self.client, method)(path).status_code
            transaction.set_rollback(True)
        return status


def person(client: CanaryClient) -> Person:
    client.raise_request_exception = False
    return Person(client, client.cookies.output(attrs=[], header="", sep=";"))


@pytest.fixture
def filled(world: World) -> World:
    fill(world.acme)
    fill(world.globex)
    fill_records(range(1))
    return world


def eight(
    world: World, browser_of: ClientFactory, organization: Organization | None
) -> list[CanaryClient]:
    """The table's columns, each with a session for this host."""
    people = world.people
    eve = members.add_member(
        world.acme, email="eve@example.com", role=Role.ADMIN, password=PASSWORD
    )
    clients = [
        browser_of(None, organization),
        browser_of(people.bob, organization),
        browser_of(people.alice, organization),
        browser_of(eve, organization),
        browser_of(people.charlie, organization),
        browser_of(people.sam, organization, verified=False),
        browser_of(people.sam, organization),
        browser_of(people.sam, world.acme, acting_inside=world.acme),
    ]
    clients[-1].defaults["HTTP_HOST"] = clients[0].defaults["HTTP_HOST"]
    with platform():
        Membership.objects.filter(user=eve).delete()
    return clients


def path_of(url: str, world: World, invitation: Invitation) -> str:
    """A URL with the keys of things that are there."""
    url = url.replace("<uuid:invitation_id>", str(invitation.pk))
    url = url.replace("<uuid:user_id>", str(world.people.bob.pk))
    for name, model in MODELS.items():
        if f"/{name}/<path:object_id>" in url:
            with platform():
                record = model._default_manager.order_by("pk")[0]
            # A session's primary key is its secret.
            key = record.id if isinstance(record, Session) else record.pk
            url = url.replace("<path:object_id>", str(key))
    url = url.replace("<uuid:organization_id>", str(world.acme.pk)).replace(
        "<str:token>", invitation.token
    )
    url = url.replace("<path:content_type_id>", "1").replace("<path:object_id>", str(ID))
    url = re.sub(r"<int:\w+>", "1", url).replace("<slug:digits>", "4a4ed6")
    url = url.replace("<slug:sha256>", "0" * 64).replace("<slug:code>", "load-test")
    url = url.replace(
        "^(?P<app_label>accounts|audit|otp_totp|django_otp_webauthn|procrastinate|operations|tenants)/$",
        "tenants/",
    )
    return re.sub(r"<uuid:\w+>", str(ID), url).replace("(?P<url>.*)$", "nothing/")


def differences(urlconf: str, world: World, people: list[Person]) -> list[str]:
    """Rows of the table as they should stand there."""
    invitation = invitations.invite(
        world.acme, email="dora@example.com", role=Role.VIEWER, invited_by=""
    )
    wrong = []
    for url, statuses in sorted(expected(urlconf).items()):
        path = path_of(url, world, invitation)
        found = [someone.ask(method, path) for method in ("get", "post") for someone in people]
        if found != statuses:
            wrong.append(f"{url}  {' '.join(map(str, found))}")
    return wrong


@pytest.mark.parametrize("urlconf", ["config.urls_organization", "config.urls_operator"])
def test_every_url_is_listed_and_every_listed_url_is_there(urlconf: str) -> None:
    assert urls(urlconf) == set(expected(urlconf))


def test_urls_of_an_organization_answer_as_listed(filled: World, browser_of: ClientFactory) -> None:
    visitors = [person(client) for client in eight(filled, browser_of, filled.acme)]
    assert differences("config.urls_organization", filled, visitors) == []


def test_urls_of_the_operator_answer_as_listed(filled: World, browser_of: ClientFactory) -> None:
    visitors = [person(client) for client in eight(filled, browser_of, None)]
    assert differences("config.urls_operator", filled, visitors) == []


def test_the_door_has_one_url() -> None:
    assert urls("webhooks.urls_door") == {r"/^webhooks/retell/(?P<token>[^/]+)/?$"}


# --- What another organization owns --------------------------------------------------------------

WITH_KEYS = sorted(
    url for url in rows(ORGANIZATION) if "<uuid:" in url and not url.startswith("/api/")
)
# People, invitations and visits are rows of shared tables: no two have the same key.
SHARED = ("/account/", "/settings/", "/switch/")
# Its 403 to an admin who is not its author says as much.
ONLY_ITS_AUTHOR = "/calls/<uuid:call_id>/notes/<uuid:note_id>/edit/"


def _answer(client: CanaryClient, url: str, key: UUID) -> tuple[int, bytes]:
    path = re.sub(r"<uuid:\w+>", str(key), url)
    response = client.get(path)
    if response.status_code == 405:
        response = client.post(path)
    request_id = response.headers["X-Request-ID"].encode()
    return response.status_code, response.content.replace(request_id, b"")


@pytest.mark.parametrize("url", WITH_KEYS)
def test_what_another_organization_owns_looks_like_what_never_was(
    world: World, browser_of: ClientFactory, url: str
) -> None:
    fill(world.acme)
    charlie = browser_of(world.people.charlie, world.globex)
    theirs = _answer(charlie, url, ID)
    assert theirs == _answer(charlie, url, uuid4())
    assert theirs[0] == 404


@pytest.mark.parametrize(
    "url", [url for url in WITH_KEYS if not url.startswith(SHARED) and url != ONLY_ITS_AUTHOR]
)
def test_the_same_key_leads_to_ones_own(filled: World, browser_of: ClientFactory, url: str) -> None:
    for someone, organization in (
        (filled.people.alice, filled.acme),
        (filled.people.charlie, filled.globex),
    ):
        status, page = _answer(browser_of(someone, organization), url, ID)
        said = CANARIES[organization.slug].encode() in page or b"no recording of this call" in page
        assert status == 302 or said


def test_a_change_by_key_changes_ones_own(filled: World, browser_of: ClientFactory) -> None:
    browser_of(filled.people.alice, filled.acme).post(f"/agents/{ID}/edit/", {"name": "Ours"})
    names = []
    for organization in (filled.acme, filled.globex):
        with organization_context(organization):
            names.append(Agent.objects.get(pk=ID).name)
    assert names == ["Ours", CANARIES["globex"]]


# --- The same for programs -----------------------------------------------------------------------

API_WITH_KEYS = sorted(url for url in rows(ORGANIZATION) if url.startswith("/api/") and "<" in url)


def _api_answer(client: CanaryClient, url: str, key: UUID) -> tuple[int, bytes]:
    path = re.sub(r"<uuid:\w+>", str(key), url)
    response = client.get(path)
    if response.status_code == 405:
        needs_time = re.fullmatch(".*/subscriptions/[^/]*/replay", path)
        body = {"since": "2026-11-01T00:00Z"} if needs_time else {}
        response = client.post(path, body, content_type="application/json")
    request_id = response.headers["X-Request-ID"].encode()
    return response.status_code, response.content.replace(request_id, b"")


@pytest.mark.parametrize("url", API_WITH_KEYS)
def test_a_program_finds_nothing_of_another_organization(
    world: World, program: ProgramFactory, url: str
) -> None:
    fill(world.acme)
    key = world.people.bob.pk if "user_id" in url else ID
    client = program(world.globex)
    theirs = _api_answer(client, url, key)
    assert theirs == _api_answer(client, url, uuid4())
    assert theirs[0] == 404


# People's keys differ, and an export is its own key's only.
SHARED_KEYS = [url for url in API_WITH_KEYS if "user_id" not in url and "export_id" not in url]


@pytest.mark.parametrize("url", SHARED_KEYS)
def test_the_same_key_leads_a_program_to_its_own(
    filled: World, program: ProgramFactory, url: str
) -> None:
    """Its client fails when the other's canary is in an answer."""
    for organization in (filled.acme, filled.globex):
        client = program(organization)
        client.raise_request_exception = False
        assert _api_answer(client, url, ID)[0] in (200, 202, 409)
