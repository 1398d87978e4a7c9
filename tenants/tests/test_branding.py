"""Any accent is readable in both themes; a stored logo is a plain PNG made here."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from config.tests.test_design import tokens
from tenants.branding import palette
from tenants.branding.logo import UPLOAD_MAX_BYTES, LogoError, read_logo
from tenants.branding.palette import AA_TEXT_CONTRAST, Shades, contrast

ACCENTS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
GROUNDS = ("surface", "bg", "raised", "hover", "active")
THEMES = ("light", "dark")


def shades(accent: str, theme: str) -> Shades:
    found: Shades = getattr(palette.palette(accent), theme)
    return found


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    pairs = [tokens()[name] for name in GROUNDS]
    assert set(palette.LIGHT_GROUNDS) == {light for light, _ in pairs}
    assert set(palette.DARK_GROUNDS) == {dark for _, dark in pairs}


@pytest.mark.parametrize("theme", THEMES)
@given(accent=ACCENTS)
def test_links_are_readable_on_every_ground(theme: str, accent: str) -> None:
    made = shades(accent, theme)
    grounds = palette.LIGHT_GROUNDS if theme == "light" else palette.DARK_GROUNDS
    for ground in (*grounds, made.soft, made.selected):
        assert contrast(made.accent, ground) >= AA_TEXT_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
@given(accent=ACCENTS)
def test_white_is_readable_on_every_button(theme: str, accent: str) -> None:
    made = shades(accent, theme)
    for button in (made.solid, made.solid_hover):
        assert contrast(palette.ON_ACCENT, button) >= AA_TEXT_CONTRAST


@pytest.mark.parametrize("text", ["text", "text-2", "text-3"])
@given(accent=ACCENTS)
def test_text_is_readable_on_a_selected_row(text: str, accent: str) -> None:
    light, dark = tokens()[text]
    assert contrast(light, shades(accent, "light").selected) >= AA_TEXT_CONTRAST
    assert contrast(dark, shades(accent, "dark").selected) >= AA_TEXT_CONTRAST


def test_a_readable_accent_stays_as_chosen() -> None:
    assert shades("#4a4ed6", "light").accent == "#4a4ed6"


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300), **options: object) -> BytesIO:
    file = BytesIO()
    Image.new("RGB", size, "#c02c7e").save(file, kind, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png(kind: str) -> None:
    logo = read_logo(picture(kind))
    stored = Image.open(BytesIO(logo.png))
    assert (stored.format, stored.size) == ("PNG", (384, 128))


def test_what_a_camera_wrote_into_the_file_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    file = picture("JPEG", exif=exif)
    assert b"Secret Camera" in file.getvalue()
    assert b"Secret Camera" not in read_logo(file).png


def test_what_hangs_behind_the_picture_is_gone() -> None:
    file = BytesIO(picture().getvalue() + b"<script>alert(1)</script>")
    assert b"script" not in read_logo(file).png


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"GIF89a" + bytes(50), "no picture"),
        (b"", "no picture"),
        (picture().getvalue()[:200], "damaged"),
        (bytes(UPLOAD_MAX_BYTES + 1), "larger than 2 MB"),
        (picture(size=(6000, 5000)).getvalue(), "too many pixels"),
    ],
)
def test_anything_else_is_refused_with_its_reason(body: bytes, why: str) -> None:
    with pytest.raises(LogoError, match=why):
        read_logo(BytesIO(body))
