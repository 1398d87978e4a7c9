"""Serves Inter as a static file, cut down to the Latin letters the pages use.

The font comes with the `fontpkg-inter` package. The subset is made once for each version of that
package and kept in `var/assets/<version>/`, so `collectstatic` needs no step of its own.
"""

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

ASSETS = Path(__file__).resolve().parent.parent / "var" / "assets"
FONT = "fonts/inter.woff2"
LATIN = "U+0020-007E,U+00A0-00FF,U+2009,U+2010-2015,U+2018-201E,U+2022,U+2026,U+202F"
SYMBOLS = "U+20AC,U+2122,U+2190-2193,U+2196-2199,U+2212,U+2248,U+2260,U+2264-2265,U+2318"


def font_folder() -> Path:
    """Where the font of the installed package version lies, made if it is not there yet."""
    folder = ASSETS / f"inter-{version('fontpkg-inter')}"
    if not (folder / FONT).exists():
        _make(folder / FONT)
    return folder


def _make(target: Path) -> None:
    """Of processes that start at once the first one's file stays: each has noted its size, and
    answers with that length ever after."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    os.close(handle)
    part = Path(name)
    subset_inter(part)
    part.chmod(0o644)
    with suppress(FileExistsError):
        target.hardlink_to(part)
    part.unlink()


def subset_inter(target: Path) -> None:
    """Write Inter with weights 400 to 700 and Latin letters only; takes a few seconds."""
    import fontpkg_inter
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    font = TTFont(fontpkg_inter.ROOT / "files" / "Inter[opsz,wght].ttf")
    options = subset.Options(layout_features=["kern", "tnum", "calt", "ccmp"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(f"{LATIN},{SYMBOLS}"))
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, {"opsz": 14, "wght": (400, 700)})
    font.flavor = "woff2"
    font.save(target)


class InterFinder(BaseFinder):
    """Finds `fonts/inter.woff2`; every other path is left to the other finders."""

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path != FONT:
            return []
        found = str(font_folder() / FONT)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, Storage]]:
        yield FONT, FileSystemStorage(location=font_folder())
