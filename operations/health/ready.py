"""All measurements, at most a few seconds old and never waited for longer."""

from __future__ import annotations

from collections.abc import Iterator

from operations.health import MEASUREMENTS, Measurement
from operations.health.rounds import Rounds


def _measure() -> Iterator[Measurement]:
    return (measure() for measure in MEASUREMENTS.values())


measurements = Rounds(_measure)
