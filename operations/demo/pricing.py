"""What Retell would charge for a call. Prices in US cents a minute, costs in US cents.

Retell bills by the second: a line is its price a second times the seconds, rounded to seven
decimals; `combined_cost` is the plain sum of the lines, flat lines without a price included.
"""

from __future__ import annotations

from typing import Any

CENTS_PER_MINUTE: dict[str, float] = {
    "retell_voice_engine": 5.5,
    "platform_tts": 1.5,
    "elevenlabs_tts_03_2026": 4.0,
    "cartesia_tts_new": 1.5,
    "gpt_4_1": 4.5,
    "gpt_4_1_mini_high_priority": 2.4,
    "claude_5_sonnet": 6.0,
    "us_twilio_telephony": 1.5,
    "background_voice_cancellation": 0.5,
    "knowledge_base_usage": 0.5,
}
POST_CALL_ANALYSIS_CENTS = 1.5
BATCH_CALL_CENTS = 0.5
MINIMUM_SECONDS = 10

NOT_CONNECTED: dict[str, Any] = {
    "product_costs": [],
    "total_duration_seconds": 0,
    "total_duration_unit_price": 0,
    "combined_cost": 0,
}


def call_cost(
    products: tuple[str, ...],
    *,
    seconds: int,
    batch: bool = False,
    analyzed: bool = True,
    surcharge_per_second: float = 0.0,
    transfer_seconds: int = 0,
) -> dict[str, Any]:
    """The `call_cost` object of a connected call; `surcharge_per_second` in cents."""
    prices = [(name, CENTS_PER_MINUTE[name] / 60) for name in products]
    if surcharge_per_second:
        prices.append(("llm_token_surcharge", surcharge_per_second))
    lines = [_timed_line(name, price, seconds) for name, price in prices]
    per_second = sum(price for _, price in prices)
    if 0 < seconds < MINIMUM_SECONDS:
        missing = round(per_second * (MINIMUM_SECONDS - seconds), 7)
        lines.append({"product": "short_call_surcharge", "cost": missing})
    if analyzed:
        lines.append({"product": "post_call_analysis_gpt_4o", "cost": POST_CALL_ANALYSIS_CENTS})
    if batch:
        lines.append({"product": "batch_call", "cost": BATCH_CALL_CENTS})
    if transfer_seconds:
        leg = _timed_line("us_twilio_telephony", 1.5 / 60, transfer_seconds)
        lines.append({**leg, "is_transfer_leg_cost": True})
    return {
        "product_costs": lines,
        "total_duration_seconds": seconds,
        "total_duration_unit_price": round(per_second, 7),
        "combined_cost": round(sum(line["cost"] for line in lines), 7),
    }


def _timed_line(product: str, price_per_second: float, seconds: int) -> dict[str, Any]:
    return {
        "product": product,
        "unit_price": round(price_per_second, 7),
        "cost": round(price_per_second * seconds, 7),
    }
