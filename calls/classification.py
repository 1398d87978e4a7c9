"""Is a call revenue or a test? The one place that decides it from what Retell says.

A call that shows one of these signals is a test and not billable, until an admin says otherwise:

| signal | why |
|---|---|
| `agent_tag` test, testing, dev, development, staging, sandbox | environment of its version |
| `metadata` has `test`, `is_test` or `test_call` at true, "true" or 1 | set by whoever made it |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEST_AGENT_TAGS = frozenset({"test", "testing", "dev", "development", "staging", "sandbox"})
TEST_METADATA_KEYS = ("test", "is_test", "test_call")


def _is_true(value: Any) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.lower() == "true")


def find_test_signal(call: Mapping[str, Any]) -> str | None:
    """The first signal found, as text for the call's page, or None for a revenue call."""
    tag = call.get("agent_tag")
    if isinstance(tag, str) and tag.lower() in TEST_AGENT_TAGS:
        return f"agent tag “{tag[:40]}”"
    metadata = call.get("metadata")
    if isinstance(metadata, dict):
        for name in TEST_METADATA_KEYS:
            if _is_true(metadata.get(name)):
                return f"metadata “{name}”"
    return None
