"""Filters of the list of agents. They live in the URL."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.models import AgentStatus
from agents.presentation import Row
from config.filtering import FilterForm

_FINDINGS = (("any", _("Needs attention")), ("none", _("Nothing found")))


class AgentFilterForm(FilterForm):
    q = forms.CharField(max_length=100, required=False, label=_("Name or Retell ID"))
    status = forms.ChoiceField(choices=[("", "Any"), *AgentStatus.choices], required=False)
    channel = forms.ChoiceField(
        choices=[("", "Any"), ("voice", "Voice"), ("chat", "Chat")], required=False
    )
    findings = forms.ChoiceField(choices=[("", "Any"), *_FINDINGS], required=False)

    def matching(self, rows: Iterable[Row]) -> list[Row]:
        chosen = self.values()
        return [row for row in rows if _matches(row, chosen)]


def _matches(row: Row, chosen: dict[str, str]) -> bool:
    agent = row.agent
    if text := chosen.get("q", "").strip().casefold():
        names = (agent.display_name, agent.retell_name, agent.retell_agent_id)
        if not any(text in name.casefold() for name in names):
            return False
    if chosen.get("status", agent.status) != agent.status:
        return False
    if chosen.get("channel", agent.channel) != agent.channel:
        return False
    wanted = chosen.get("findings")
    return wanted is None or (wanted == "any") == bool(row.attention)
