"""What the command palette finds while somebody types."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.http import MemberRequest
from agents.models import Agent
from calls.selection import Selection

MOST_FOUND = 5
TEXT_MAX_LENGTH = 100
# Part of a number, or of an id; words are the list's to search, which takes longer.
NUMBER_OR_ID = re.compile(r"[\d\s()+.-]{3,}|call_\w+|[0-9a-f]{8,}")


@require_GET
@member_required
def find(request: MemberRequest) -> HttpResponse:
    """Agents by name, calls by number or id; a part of a page for htmx."""
    text = request.GET.get("q", "").strip()[:TEXT_MAX_LENGTH]
    query = urlencode({"q": text})
    context: dict[str, object] = {"text": text, "query": query, "agents": [], "calls": []}
    if text:
        context["agents"] = Agent.objects.for_choice().named(text)[:MOST_FOUND]
    if NUMBER_OR_ID.fullmatch(text):
        context["calls"] = Selection.from_request(request).calls()[:MOST_FOUND]
    return render(request, "calls/_found.html", context)
