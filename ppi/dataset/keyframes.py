"""Looks at key frames: is there anything to see, and is it sharp? Makes them small for documents."""

from __future__ import annotations

import warnings
from pathlib import Path

WIDTH_PX = 320
MAX_PIXELS = 100_000_000
BLACK_MEAN, PLAIN_SPREAD = 16.0, 4.0
# Blurring photographs by a 150th of their width took the measure from about 0.2 to below 0.01.
BLURRED = 0.01
# What rounding to whole levels of grey adds to the variance of the Laplacian: 1/12 for each of 4² + 4 · 1² weights.
ROUNDING = 20 / 12
DOCUMENT_PX, DOCUMENT_QUALITY = 640, 82
_LAPLACE = (0, 1, 0, 1, -4, 1, 0, 1, 0)


def fault_of(path: Path) -> str:
    """What is wrong with a JPEG: "unreadable", "black", "plain" (one colour), "blurred", or "".

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., 2000, "Diatom autofocusing in brightfield microscopy")
    at 320 pixels, divided by the variance of the picture, so that dark pictures do not count as blurred.
    """
    from PIL import Image, ImageFilter, ImageStat

    try:
        with warnings.catch_warnings(), Image.open(path, formats=("JPEG",)) as opened:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if opened.width * opened.height > MAX_PIXELS:
                return "unreadable"
            opened.draft("L", (WIDTH_PX, WIDTH_PX))  # the decoder itself makes it small
            picture = opened.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        return "unreadable"
    picture.thumbnail((WIDTH_PX, WIDTH_PX))
    seen = ImageStat.Stat(picture)
    if seen.mean[0] < BLACK_MEAN and seen.stddev[0] < BLACK_MEAN:
        return "black"
    if seen.stddev[0] < PLAIN_SPREAD:
        return "plain"
    edges = picture.filter(ImageFilter.Kernel((3, 3), _LAPLACE, scale=1, offset=128))
    inner = edges.crop((1, 1, max(2, edges.width - 1), max(2, edges.height - 1)))
    return "blurred" if (ImageStat.Stat(inner).var[0] - ROUNDING) / seen.var[0] < BLURRED else ""


def small_copy(source: Path, target: Path) -> bool:
    """A JPEG of at most 640 pixels each way that every program takes: cutters write none of the headers some insist on.

    Answers False, and writes nothing, when the picture cannot be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(source, formats=("JPEG",)) as opened:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened.draft("RGB", (DOCUMENT_PX, DOCUMENT_PX))
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    picture.thumbnail((DOCUMENT_PX, DOCUMENT_PX))
    picture.save(target, "JPEG", quality=DOCUMENT_QUALITY)
    return True
