"""A logo as uploaded, read and written anew: what is stored was made here.

Only formats that Pillow reads without helpers are taken; SVG can carry scripts and is not.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP")
UPLOAD_MAX_BYTES = 2 * 1024 * 1024
UPLOAD_MAX_PIXELS = 24_000_000
# Twice the largest size it is shown in.
STORED_SIZE_PX = (512, 128)


class LogoError(ValueError):
    """The file cannot become a logo; the message says why."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A PNG without anything but its picture."""

    png: bytes
    sha256: str
    width_px: int
    height_px: int


def read_logo(file: BinaryIO) -> Logo:
    """Raises `LogoError` for what is too large, no picture, or broken."""
    body = file.read(UPLOAD_MAX_BYTES + 1)
    if len(body) > UPLOAD_MAX_BYTES:
        raise LogoError(f"The file is larger than {UPLOAD_MAX_BYTES // 1024**2} MB.")
    picture = _decode(body)
    picture.thumbnail(STORED_SIZE_PX)
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    png = written.getvalue()
    return Logo(png, hashlib.sha256(png).hexdigest(), *picture.size)


def _decode(body: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures that are huge when unpacked; ours are limited further.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(body), formats=FORMATS)
            if picture.width * picture.height > UPLOAD_MAX_PIXELS:
                raise LogoError("The picture has too many pixels; 2,000 by 500 is plenty.")
            # A new image carries no metadata along: no place, no camera, no profile.
            return picture.convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LogoError("The picture has too many pixels; 2,000 by 500 is plenty.") from error
    except UnidentifiedImageError as error:
        raise LogoError("This is no picture in PNG, JPEG or WebP.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, LogoError):
            raise
        raise LogoError("The picture is damaged and cannot be read.") from error
