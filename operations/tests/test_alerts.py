"""The alert rules: each is tried by promtool, has a runbook, and asks for metrics that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config import metrics as counted
from operations.metrics import MEASURED
from webhooks.signature import Refusal

FOLDER = Path(settings.BASE_DIR) / "ops" / "prometheus"
RUNBOOKS = Path(settings.BASE_DIR) / "docs" / "runbooks"
HEADINGS = [
    "## What it means",
    "## What is safe",
    "## What to do",
    "## How you see that it is over",
]


def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


def names() -> list[str]:
    return [rule["alert"] for rule in rules()]


def promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("REQUIRE_PROMTOOL"):
            pytest.fail("promtool was not found; it comes with Debian's package prometheus")
        pytest.skip("promtool was not found; it comes with Debian's package prometheus")
    done = subprocess.run(
        [program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_can_be_read() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", "alerts.yml")


def test_each_rule_comes_when_it_should_and_not_when_not() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_each_rule_is_tried_both_ways() -> None:
    tries = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    tried = {
        (rule["alertname"], bool(rule.get("exp_alerts")))
        for one in tries
        for rule in one["alert_rule_test"]
    }
    assert tried == {(name, comes) for name in names() for comes in (True, False)}


def exported() -> set[str]:
    """Every name that `/metrics` may show; a histogram's as its parts."""
    own = {
        sample
        for metric in vars(counted).values()
        if (describe := getattr(metric, "describe", None)) and not isinstance(metric, type)
        for family in describe()
        for sample in (family.name, f"{family.name}_total", f"{family.name}_bucket")
    }
    return own | set(MEASURED)


def test_the_rules_ask_for_metrics_that_exist() -> None:
    asked = {name for rule in rules() for name in re.findall(r"switchboard_\w+", rule["expr"])}
    assert asked
    assert asked <= exported()


def test_the_refusal_that_strangers_cause_is_named_rightly() -> None:
    (rule,) = (rule for rule in rules() if rule["alert"] == "WebhookRefusals")
    assert f'cause!="{Refusal.UNKNOWN_TOKEN.value}"' in rule["expr"]


@pytest.mark.parametrize("rule", rules(), ids=names())
def test_each_rule_leads_to_its_runbook(rule: dict[str, Any]) -> None:
    runbook = rule["annotations"]["runbook"]
    assert runbook == f"docs/runbooks/{rule['alert']}.md"
    text = (Path(settings.BASE_DIR) / runbook).read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    named = set(re.findall(r"switchboard_\w+", text))
    assert named <= exported()


def test_no_runbook_is_of_an_alert_that_is_gone() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == set(names())
