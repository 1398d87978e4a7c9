from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from analytics import attention
        from calls import timeline
        from calls.api import deliveries
        from webhooks.api.reading import deliveries_about
        from webhooks.attention import unapplied
        from webhooks.presentation import timeline_of

        timeline.register(timeline_of)
        deliveries.register(deliveries_about)
        attention.register(unapplied)
