"""Retell's cost lines in words. Amounts are US cents, as Decimals or their digits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

# Prefix of a product's name → group; the first that fits. An open set: others stand as they are.
_GROUPS = (
    ("retell_voice_engine", "Voice engine"),
    ("elevenlabs", "Voice · ElevenLabs"),
    ("cartesia", "Voice · Cartesia"),
    ("openai_tts", "Voice · OpenAI"),
    ("platform_tts", "Voice · Platform"),
    ("minimax", "Voice · Minimax"),
    ("gpt", "LLM · GPT"),
    ("claude", "LLM · Claude"),
    ("gemini", "LLM · Gemini"),
    ("llm_token_surcharge", "LLM · Long prompt surcharge"),
    ("us_twilio", "Telephony · Twilio"),
    ("default_telephony", "Telephony"),
    ("post_call_analysis", "Post-call analysis"),
    ("knowledge_base", "Knowledge base"),
    ("short_call_surcharge", "Short call minimum"),
    ("concurrency_burst", "Concurrency burst"),
    ("background_voice", "Voice cancellation"),
    ("guardrail", "Guardrail"),
)


def group(product: str) -> tuple[str, str]:
    """(label, detail) of a product; an unknown one keeps its own name."""
    for prefix, name in _GROUPS:
        if product.startswith(prefix):
            label, _, detail = name.partition(" · ")
            return label, detail
    return product, ""


def prefixes(label: str) -> list[str]:
    """What the names of the products in a group begin with; nothing for other labels."""
    return [prefix for prefix, name in _GROUPS if name.partition(" · ")[0] == label]


def as_decimal(value: Any) -> Decimal:
    """A JSON number exactly as written; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return Decimal(0)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def lines(cost: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Cost lines of one call, largest first, with their share of the whole."""
    products = (cost or {}).get("product_costs")
    rows = []
    for line in products if isinstance(products, list) else ():
        if not isinstance(line, dict):
            continue
        label, detail = group(str(line.get("product", "")))
        if line.get("is_transfer_leg_cost") is True:
            detail = f"{detail} · transfer leg".removeprefix(" · ")
        rows.append({"label": label, "detail": detail, "cost_cents": as_decimal(line.get("cost"))})
    return with_shares(rows, "cost_cents")


def with_shares(rows: list[dict[str, Any]], amount: str) -> list[dict[str, Any]]:
    """Sorted by `amount`, each with its `share` (0 to 1) of the sum."""
    whole = sum((row[amount] for row in rows), Decimal(0))
    for row in rows:
        row["share"] = float(row[amount] / whole) if whole > 0 else 0.0
    return sorted(rows, key=lambda row: -row[amount])
