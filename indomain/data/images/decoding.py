"""Decodes medical and ordinary image files to uint8, grey (H, W) or RGB (H, W, 3).

The rules are the same for every format:
* 8-bit values are not changed. Values of more than 8 bits are mapped to 0–255: by the first window of a DICOM file, or from
  the image's minimum and maximum if there is no window.
* DICOM: the rescale slope and intercept are applied before the window; MONOCHROME1 is inverted, so that bone is bright.
* The EXIF orientation is applied; transparent images are put on a white background; of several pages, frames or slices the first
  is used, unless the manifest says "middle" or "all" (`[images] frames`).
* NIfTI: the volume's own range becomes 0–255, the same for all of its slices.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from indomain.data.images import dicom, nifti
from indomain.data.images.values import MAX_PIXELS, UnreadableImage, check_size, stretched

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
Which = Literal["first", "middle", "all"]


def decode(path: Path) -> np.ndarray:
    """Decodes an image file.

    Args:
        path: the file.

    Returns:
        uint8, 0–255, (H, W) for grey and (H, W, 3) for RGB.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    return np.asarray(read(path))


def read(path: Path, at_least: int | None = None) -> Image.Image:
    """Decodes an image file to an 8-bit Pillow image, mode "L" or "RGB"; of several frames the first.

    Args:
        path: the file.
        at_least: JPEG files may be decoded at 1/2, 1/4 or 1/8 of their size as long as both sides keep at least this many
            pixels; the decoder averages exactly, and is several times faster. None decodes at full size.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    return frames(path, "first", at_least)[0]


def frames(path: Path, which: Which, at_least: int | None = None) -> list[Image.Image]:
    """Decodes frames of a DICOM file, pages of a TIFF, or slices of a NIfTI volume; other files have one.

    Args:
        path: the file.
        which: the "first" of them, the "middle" one, or "all".
        at_least: as for `read`.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    try:
        if nifti.is_nifti(path):
            return [Image.fromarray(array) for array in nifti.slices(path, which)]
        if dicom.is_dicom(path):
            return [Image.fromarray(array) for array in dicom.frames(path, which)]
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1)
            chosen = {"first": [0], "middle": [count // 2]}.get(which, list(range(count)))
            check_size(image.width * image.height * len(chosen))
            if at_least:
                image.draft(None, (at_least, at_least))
            found = []
            for page in chosen:
                if page:
                    image.seek(page)
                found.append(_plain(image if len(chosen) == 1 else image.copy()))
            return found
    except UnreadableImage:
        raise
    except Exception as error:
        # With untrusted files a decoder can raise anything; the file is reported and the run goes on.
        raise UnreadableImage(_reason(path, error)) from error


def is_grey(path: Path) -> bool:
    """Returns whether an image file has a single channel. Reads only its header.

    Args:
        path: the file.

    Raises:
        UnreadableImage: if the header cannot be read.
    """
    try:
        if nifti.is_nifti(path):
            return True
        if dicom.is_dicom(path):
            return int(dicom.header(path).get("SamplesPerPixel", 1)) == 1
        with Image.open(path) as image:
            return image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
    except Exception as error:
        raise UnreadableImage(_reason(path, error)) from error


def _plain(image: Image.Image) -> Image.Image:
    """Converts an image of any mode to "L" or "RGB", and loads its pixels."""
    ImageOps.exif_transpose(image, in_place=True)
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(stretched(np.asarray(image).astype(np.float64)))
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA") if image.mode != "LA" else image
        white = Image.new("L" if image.mode == "LA" else "RGB", image.size, "white")
        white.paste(image.convert(white.mode), mask=image.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be read, as text."""
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    text = " ".join(str(error).split())
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image in any known format"
    return f"{type(error).__name__}: {text[:200]}"
