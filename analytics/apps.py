from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from agents import numbers
        from analytics import attention, overview
        from analytics.attention import sources

        for source in (sources.findings, sources.gaps, sources.alerts, sources.failed_jobs):
            attention.register(source)
        numbers.register(overview.agent_numbers)
