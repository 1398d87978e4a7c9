from django.urls import path

from accounts.api import tokens

urlpatterns = [
    path("token", tokens.GiveTokens.as_view(), name="token"),
    path("token/refresh", tokens.RefreshTokens.as_view(), name="token_refresh"),
    path("token/revoke", tokens.RevokeTokens.as_view(), name="token_revoke"),
]
