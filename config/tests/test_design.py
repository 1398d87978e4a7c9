"""The rules of the design that a page cannot show: nothing inline, colours only as tokens."""

import re
from pathlib import Path
from zipfile import ZipFile

import lucide
import pytest

ROOT = Path(__file__).resolve().parents[2]
NAVIGATION = ROOT / "config" / "navigation.py"
CSS = (ROOT / "static" / "app.css").read_text()
TOKEN_BLOCK = re.compile(r"/\* tokens:start \*/(.*?)/\* tokens:end \*/", re.DOTALL)
APPS = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists()]
MAIL = [*(ROOT / "templates" / "mail").glob("*.html")]  # for programs that know no style sheets
MARKUP = [
    *(path for path in (ROOT / "templates").rglob("*.html") if path not in MAIL),
    *(path for app in APPS for path in app.rglob("*.py") if "tests" not in path.parts),
]
FORBIDDEN = {
    "a style attribute": re.compile(r"""<[^>]*\sstyle=["']"""),
    "an event attribute": re.compile(r"""<[^>]*\son[a-z]+=["']"""),
    "an inline script": re.compile(r"<script(?![^>]*(?:\bsrc=|application/json))[^>]*>"),
    "a script without its hash, as {% script %} writes it": re.compile(
        r"<script(?![^>]*integrity)[^>]*\ssrc="
    ),
    "an inline style sheet": re.compile(r"<style\b"),
    "an htmx handler": re.compile(r"\bhx-on[:-]|hx-vals=[\"']js:|hx-trigger=[\"'][^\"']*\["),
}
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b")
SURFACES = ("surface", "bg", "hover", "selected", "active")
TEXTS = ("text", "text-2", "text-3", "accent", "ok", "warn", "bad", "info", "mute")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in SURFACES),
    *((tone, f"{tone}-soft") for tone in ("ok", "warn", "bad", "info", "mute")),
    *((text, ground) for text in ("text", "text-2", "text-3") for ground in ("raised", "sunken")),
    ("on-accent", "accent-solid"),
    ("accent", "accent-soft"),
    ("caller", "surface"),
    ("caller", "selected"),
    ("on-tile", "tile"),
]
MARKS = ("c1", "c2", "c4", "c5", "control", "accent")


def tokens() -> dict[str, tuple[str, str]]:
    """Every colour token as (light, dark)."""
    block = TOKEN_BLOCK.search(CSS)
    assert block
    both = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", block[1])
    same = re.findall(r"--([\w-]+): (#\w{6});", block[1])
    return {name: (light, dark) for name, light, dark in both} | {
        name: (value, value) for name, value in same
    }


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_inline(what: str) -> None:
    found = [path.relative_to(ROOT) for path in MARKUP if FORBIDDEN[what].search(path.read_text())]
    assert found == [], f"{what} breaks the content security policy"


def test_colours_stand_only_in_the_token_block() -> None:
    assert HEX.findall(TOKEN_BLOCK.sub("", CSS)) == []


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_no_colour_outside_the_style_sheet(folder: str) -> None:
    paths = [path for kind in ("html", "js") for path in (ROOT / folder).rglob(f"*.{kind}")]
    colour = re.compile(r"""(?<![\w/"'&])#[0-9a-fA-F]{6}\b|rgba?\(|hsla?\(""")
    named = [path.name for path in paths if path not in MAIL and colour.search(path.read_text())]
    assert named == []


def test_mail_has_the_colours_of_light_pages() -> None:
    light = {values[0] for values in tokens().values()}
    used = {colour for path in MAIL for colour in HEX.findall(path.read_text())}
    assert used
    assert used <= light


def test_every_named_token_exists() -> None:
    defined = set(re.findall(r"--([\w-]+):", CSS))
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= defined


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(theme: int) -> None:
    known = tokens()
    weak = {
        pair: round(ratio, 2)
        for pair in PAIRS
        if (ratio := contrast(known[pair[0]][theme], known[pair[1]][theme])) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_marks_stand_out_from_the_surface(theme: int) -> None:
    known = tokens()
    surface = known["surface"][theme]
    assert [name for name in MARKS if contrast(known[name][theme], surface) < 3] == []


def test_every_icon_exists() -> None:
    drawings = set(ZipFile(Path(lucide.__file__).with_name("lucide.zip")).namelist())
    named = {
        name for path in MARKUP for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())
    } | set(re.findall(r'"[A-Z][\w ]+", "([a-z0-9-]+)", "', NAVIGATION.read_text()))
    assert {name for name in named if f"{name}.svg" not in drawings} == set()


def test_no_text_below_eleven_pixels() -> None:
    sizes = re.findall(r"font(?:-size)?:[^;]*?(\d+(?:\.\d+)?)px", CSS)
    assert min(map(float, sizes)) >= 11
