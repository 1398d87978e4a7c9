from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import attention
        from analytics.attention import sources

        for source in (sources.findings, sources.gaps, sources.alerts, sources.failed_jobs):
            attention.register(source)
