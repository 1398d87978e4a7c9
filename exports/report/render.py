"""Makes PDF, in a process of its own: what it takes of memory is given back, and what breaks in it
breaks nothing else. Knows no settings and no database.

    python render.py part FOLDER     report.typ and data.json in it → part.pdf
    python render.py merge FOLDER    0.pdf, 1.pdf, … in it → merged.pdf
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fontpkg_inter
import typst
from pypdf import PdfWriter


def part(folder: Path) -> None:
    """Fetches nothing: fonts are the package's, files those of the folder."""
    tagged = json.loads((folder / "data.json").read_text())["tagged"]
    typst.compile(
        str(folder / "report.typ"),
        output=str(folder / "part.pdf"),
        root=str(folder),
        font_paths=[str(fontpkg_inter.ROOT / "files")],
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["ua-1"] if tagged else [],
    )


def merge(folder: Path) -> None:
    writer = PdfWriter()
    for number in range(len(list(folder.glob("[0-9]*.pdf")))):
        writer.append(folder / f"{number}.pdf", import_outline=False)
    title = json.loads((folder / "data.json").read_text())["title"]
    writer.add_metadata({"/Title": title})
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    writer.write(folder / "merged.pdf")


if __name__ == "__main__":
    {"part": part, "merge": merge}[sys.argv[1]](Path(sys.argv[2]))
