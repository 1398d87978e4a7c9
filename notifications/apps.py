from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from accounts import revocation
        from notifications.signals import revoke

        revocation.register(revoke)
