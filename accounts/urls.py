from django.urls import path

from accounts.views import (
    access_policy,
    factors,
    invitations,
    passkeys,
    sign_in,
    switching,
    users,
    visits,
)

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.second_factor, name="second_factor"),
    path("sign-in/passkey/", passkeys.sign_in_with_passkey, name="passkey_sign_in"),
    path("sign-in/passkey/options/", passkeys.sign_in_options, name="passkey_sign_in_options"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("confirm/", sign_in.confirm, name="confirm"),
    path("switch/", switching.switcher, name="switcher"),
    path("switch/operator/", switching.switch_to_operator, name="switch_to_operator"),
    path("switch/<uuid:organization_id>/", switching.switch, name="switch"),
    path("enter/<str:token>/", switching.enter, name="enter"),
    path("leave/", visits.leave, name="leave"),
    path("settings/access/", access_policy.access_policy, name="access_policy"),
    path("settings/visits/", visits.visit_list, name="visits"),
    path("settings/visits/<uuid:acting_id>/allow/", visits.allow_visit, name="allow_visit"),
    path("settings/visits/<uuid:acting_id>/refuse/", visits.refuse_visit, name="refuse_visit"),
    path("settings/users/", users.user_list, name="users"),
    path("settings/users/invite/", users.invite, name="users_invite"),
    path("settings/users/<uuid:user_id>/", users.user_detail, name="users_detail"),
    path("settings/users/<uuid:user_id>/role/", users.change_role, name="users_role"),
    path("settings/users/<uuid:user_id>/remove/", users.remove, name="users_remove"),
    path(
        "settings/users/invitations/<uuid:invitation_id>/resend/",
        users.resend_invitation,
        name="users_invitation_resend",
    ),
    path(
        "settings/users/invitations/<uuid:invitation_id>/link/",
        users.invitation_link,
        name="users_invitation_link",
    ),
    path(
        "settings/users/invitations/<uuid:invitation_id>/revoke/",
        users.revoke_invitation,
        name="users_invitation_revoke",
    ),
    path("account/leave/", users.leave_organization, name="leave_organization"),
    path("invitations/<str:token>/", invitations.accept_invitation, name="accept_invitation"),
    path("account/security/", factors.security, name="security"),
    path("account/security/apps/", factors.add_app, name="add_app"),
    path("account/security/apps/new/", factors.new_app, name="new_app"),
    path("account/security/apps/<int:pk>/delete/", factors.remove_app, name="remove_app"),
    path("account/security/recovery-codes/", factors.new_recovery_codes, name="new_recovery_codes"),
    path("account/passkeys/new/", passkeys.new_passkey, name="passkey_new"),
    path("account/passkeys/new/options/", passkeys.new_passkey_options, name="passkey_new_options"),
    path("account/passkeys/<int:pk>/edit/", passkeys.rename_passkey, name="passkey_edit"),
    path("account/passkeys/<int:pk>/delete/", passkeys.remove_passkey, name="passkey_delete"),
]
