"""Costs are what Retell would bill, in cents."""

from operations.demo.pricing import call_cost

VOICE = ("retell_voice_engine", "elevenlabs_tts_03_2026")


def test_a_line_is_its_price_a_second_times_the_seconds() -> None:
    line = call_cost(VOICE, seconds=27)["product_costs"][1]
    assert line == {"product": "elevenlabs_tts_03_2026", "unit_price": 0.0666667, "cost": 1.8}


def test_flat_lines_have_no_price_and_count_in_the_sum() -> None:
    cost = call_cost(VOICE, seconds=60, batch=True)
    flat = [line["product"] for line in cost["product_costs"] if "unit_price" not in line]
    assert flat == ["post_call_analysis_gpt_4o", "batch_call"]
    assert cost["combined_cost"] == 5.5 + 4.0 + 1.5 + 0.5


def test_price_of_a_second_includes_the_surcharge_and_no_flat_line() -> None:
    cost = call_cost(VOICE, seconds=60, surcharge_per_second=1.0)
    assert cost["total_duration_unit_price"] == round(9.5 / 60 + 1, 7)


def test_calls_under_ten_seconds_pay_for_ten() -> None:
    short = call_cost(VOICE, seconds=4, analyzed=False)["combined_cost"]
    full = call_cost(VOICE, seconds=10, analyzed=False)["combined_cost"]
    assert round(short, 5) == round(full, 5)


def test_transfer_leg_is_its_own_line() -> None:
    leg = call_cost(VOICE, seconds=60, transfer_seconds=100)["product_costs"][-1]
    assert leg["is_transfer_leg_cost"] is True
    assert leg["cost"] == 2.5
