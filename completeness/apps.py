from django.apps import AppConfig


class CompletenessConfig(AppConfig):
    name = "completeness"

    def ready(self) -> None:
        from calls import timeline
        from completeness.presentation import corrections_of

        timeline.register_corrections(corrections_of)
