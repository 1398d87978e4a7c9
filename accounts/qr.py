"""QR codes as one path, for a page whose policy allows neither inline styles nor foreign images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import segno

QUIET_ZONE = 4  # modules of light around the code, which cameras need


@dataclass(frozen=True, slots=True)
class QrCode:
    """`path`: the dark modules, in a square of `size` units."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    modules = segno.make_qr(text, error="m").matrix
    path = "".join(
        f"M{start + QUIET_ZONE} {y + QUIET_ZONE}h{length}v1h-{length}z"
        for y, row in enumerate(modules)
        for start, length in _dark_runs(row)
    )
    return QrCode(len(modules) + 2 * QUIET_ZONE, path)


def _dark_runs(row: bytearray) -> list[tuple[int, int]]:
    """(start, length) of each run of dark modules."""
    runs, at = [], 0
    for is_dark, group in groupby(row):
        length = len(list(group))
        if is_dark:
            runs.append((at, length))
        at += length
    return runs
