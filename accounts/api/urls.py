from django.urls import path

from accounts.api import people, urls_tokens

urlpatterns = [
    path("users", people.PersonList.as_view(), name="users"),
    path("users/<uuid:user_id>", people.PersonDetail.as_view(), name="user"),
    path("invitations", people.InvitationList.as_view(), name="invitations"),
    *urls_tokens.urlpatterns,
]
