"""The metrics that an alert rule of Retell can watch, by the name in its webhooks."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

METRICS = {
    "call_count": _("Number of calls"),
    "concurrency_used": _("Calls at the same time"),
    "call_success_rate": _("Success rate"),
    "negative_sentiment_rate": _("Negative sentiment"),
    "custom_function_latency": _("Latency of custom functions"),
    "custom_function_failure_count": _("Failed custom functions"),
    "transfer_call_failure_count": _("Failed transfers"),
    "total_call_cost": _("Cost of calls"),
    "api_error_count": _("API errors"),
    "e2e_latency_p95": _("End-to-end latency, p95"),
}
