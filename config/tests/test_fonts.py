"""The font of the pages, made once for each installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import fonts

LIMIT_BYTES = 40 * 1024


def test_the_font_is_light() -> None:
    assert (fonts.font_folder() / fonts.FONT).stat().st_size <= LIMIT_BYTES


def test_of_processes_that_make_it_at_once_the_first_ones_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "ASSETS", tmp_path)
    places: list[Path] = []

    def subset(target: Path) -> None:
        """While one process is at it, another one starts and finishes."""
        places.append(target)
        if len(places) == 2:
            target.write_text("made first")
        else:
            fonts.font_folder()
            target.write_text("made last")

    monkeypatch.setattr(fonts, "subset_inter", subset)
    folder = fonts.font_folder()
    assert [file.read_text() for file in (folder / "fonts").iterdir()] == ["made first"]
