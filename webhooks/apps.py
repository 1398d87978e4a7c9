from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from calls import timeline
        from webhooks.presentation import timeline_of

        timeline.register(timeline_of)
