from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from analytics import attention
        from calls import timeline
        from webhooks.attention import unapplied
        from webhooks.presentation import timeline_of

        timeline.register(timeline_of)
        attention.register(unapplied)
