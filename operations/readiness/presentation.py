"""The readiness page: scores, cards, checklists, history."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import charts
from config.templatetags.formats import day
from operations.readiness import querysets
from operations.readiness.assessment import Assessment, Score, assess
from operations.readiness.vocabulary import Category, Phase

GOOD, FAIR = 90, 70


def current() -> Assessment:
    """What was measured last, with the signatures that count now."""
    return assess(querysets.measured(querysets.latest()), querysets.sign_offs())


def kpis(assessment: Assessment) -> list[dict[str, Any]]:
    """The score of each category, leading to its card."""
    return [
        _kpi(str(category.label), assessment.score_of(category), f"#{category.value}")
        for category in Category
    ]


def _kpi(label: str, score: Score, url: str) -> dict[str, Any]:
    return {
        "label": label,
        "value": f"{score.percent} %",
        "delta": _("%(done)s of %(items)s") % {"done": score.done, "items": score.items},
        "tone": tone_of(score),
        "url": url,
    }


def tone_of(score: Score) -> str:
    if score.percent >= GOOD:
        return "ok"
    return "warn" if score.percent >= FAIR else "bad"


def cards(assessment: Assessment) -> list[dict[str, Any]]:
    return [
        {
            "id": category.value,
            "title": category.label,
            "score": assessment.score_of(category),
            "results": assessment.of(category),
        }
        for category in Category
    ]


def checklist(assessment: Assessment, phase: Phase) -> list[dict[str, Any]]:
    """One card of what belongs to a phase, what is missing first."""
    found = [result for result in assessment.results if phase in result.item.phases]
    found.sort(key=lambda result: (result.state.counts, not result.item.is_essential))
    done = sum(result.state.counts for result in found)
    score = Score(done * 100 // len(found) if found else 100, done, len(found))
    return [{"id": phase.value, "title": phase.label, "score": score, "results": found}]


def tabs(assessment: Assessment, shown: str) -> list[dict[str, Any]]:
    """The assessment, and each checklist with how many of its items are left."""
    url = reverse("operations:readiness")
    left = {
        phase: sum(phase in result.item.phases for result in assessment.missing) for phase in Phase
    }
    first = {"label": _("Assessment"), "url": url, "current": not shown, "count": None}
    return [
        first,
        *(
            {
                "label": phase.label,
                "url": f"{url}?list={phase.value}",
                "current": shown == phase.value,
                "count": left[phase],
            }
            for phase in Phase
        ),
    ]


def history() -> SafeString | None:
    """The score of each measured day; None while there are fewer than two."""
    scores = querysets.history()
    if len(scores) < 2:
        return None
    series = [charts.Series(_("Score"), [score for _at, score in scores], 1)]
    labels = [day(at.date()) for at, _score in scores]
    return charts.lines(_("Readiness in percent"), labels, series, height=150)
