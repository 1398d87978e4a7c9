from django.urls import path

from accounts.views import invitations, sign_in, switching, visits

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.second_factor, name="second_factor"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("confirm/", sign_in.confirm, name="confirm"),
    path("switch/", switching.switcher, name="switcher"),
    path("switch/operator/", switching.switch_to_operator, name="switch_to_operator"),
    path("switch/<uuid:organization_id>/", switching.switch, name="switch"),
    path("enter/<str:token>/", switching.enter, name="enter"),
    path("leave/", visits.leave, name="leave"),
    path("settings/visits/", visits.visit_list, name="visits"),
    path("settings/visits/<uuid:acting_id>/allow/", visits.allow_visit, name="allow_visit"),
    path("settings/visits/<uuid:acting_id>/refuse/", visits.refuse_visit, name="refuse_visit"),
    path("invitations/<str:token>/", invitations.accept_invitation, name="accept_invitation"),
]
