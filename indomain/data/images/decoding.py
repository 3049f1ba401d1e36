"""Decodes medical and ordinary image files to uint8, grey (H, W) or RGB (H, W, 3).

The rules are the same for every format:
* 8-bit values are not changed. Values of more than 8 bits are mapped to 0–255: by the first window of a DICOM file, or from
  the image's minimum and maximum if there is no window.
* DICOM: the rescale slope and intercept are applied before the window; MONOCHROME1 is inverted, so that bone is bright.
* The EXIF orientation is applied; transparent images are put on a white background; of several pages or frames the first is
  used.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Larger images are refused before they are unpacked. Radiographs have up to 25 million pixels; the largest histology images
# published as a single PNG or TIFF have about 100 million. A colour image at the limit takes 0.6 GB.
MAX_PIXELS = 200_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class UnreadableImage(ValueError):
    """The file is not an image, or cannot be decoded on this machine. The message is the reason."""


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
    """Decodes an image file to an 8-bit Pillow image, mode "L" or "RGB".

    Args:
        path: the file.
        at_least: JPEG files may be decoded at 1/2, 1/4 or 1/8 of their size as long as both sides keep at least this many
            pixels; the decoder averages exactly, and is several times faster. None decodes at full size.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    try:
        if _is_dicom(path):
            return Image.fromarray(_decode_dicom(path))
        with Image.open(path) as image:
            _check_size(image.width * image.height)
            if at_least:
                image.draft(None, (at_least, at_least))
            return _plain(image)
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
        if _is_dicom(path):
            import pydicom

            return int(pydicom.dcmread(path, stop_before_pixels=True, force=True).get("SamplesPerPixel", 1)) == 1
        with Image.open(path) as image:
            return image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
    except Exception as error:
        raise UnreadableImage(_reason(path, error)) from error


def _check_size(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise UnreadableImage(f"{pixels:,} pixels; at most {MAX_PIXELS:,} are unpacked")


def _is_dicom(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(132)
    return head[128:132] == b"DICM" or path.suffix.lower() == ".dcm"


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


def _decode_dicom(path: Path) -> np.ndarray:
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset:
        raise UnreadableImage("a DICOM file without pixels")
    # pydicom unpacks every frame.
    _check_size(int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1))
    if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    pixels = dataset.pixel_array
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if int(dataset.get("SamplesPerPixel", 1)) == 3:
        pixels = pixels[0] if pixels.ndim == 4 else pixels
        # pydicom has already converted YBR to RGB.
        return pixels if pixels.dtype == np.uint8 else stretched(pixels.astype(np.float64))
    pixels = pixels[0] if pixels.ndim == 3 else pixels
    # Some files have empty window attributes, which means no window.
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    windowed = "VOILUTSequence" in dataset or (centre not in (None, "") and width not in (None, ""))
    rescaled = "RescaleSlope" in dataset or "ModalityLUTSequence" in dataset
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours = apply_color_lut(pixels, dataset)
        return (colours >> (8 * (colours.dtype.itemsize - 1))).astype(np.uint8)
    if not windowed and not rescaled and pixels.dtype == np.uint8:
        image = pixels
    else:
        values = apply_modality_lut(pixels, dataset)
        if windowed:
            values = apply_voi_lut(values, dataset)
            low, high = _window_output_range(dataset, values)
            image = stretched(np.asarray(values, np.float64), low, high)
        else:
            image = stretched(np.asarray(values, np.float64))
    return 255 - image if photometric == "MONOCHROME1" else image


def _window_output_range(dataset, values: np.ndarray) -> tuple[float, float]:
    """The range that pydicom maps the window to: its limits become 0 and 255, rather than the image's own extremes."""
    from pydicom.pixels import apply_voi_lut

    if "VOILUTSequence" in dataset:
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return 0.0, float(2**bits - 1)
    probe = np.array([-1e9, 1e9])
    low, high = apply_voi_lut(probe, dataset)
    return float(low), float(high)


def stretched(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Maps `low` … `high`, by default the minimum and maximum, to 0 … 255. Pixels that are not finite become the minimum.

    Args:
        values: numbers, (H, W) or (H, W, channels), of which three channels at most are used.
        low: what becomes 0.
        high: what becomes 255.

    Raises:
        UnreadableImage: no pixel is finite.
    """
    values = values[..., : min(values.shape[-1], 3)] if values.ndim == 3 else values
    finite = np.isfinite(values)
    if not finite.all():
        if not finite.any():
            raise UnreadableImage("no finite pixel value")
        values = np.where(finite, values, values[finite].min())
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    return np.round((np.clip(values, low, high) - low) * (255.0 / (high - low))).astype(np.uint8)


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be read, as text."""
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    text = " ".join(str(error).split())
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image in any known format"
    return f"{type(error).__name__}: {text[:200]}"
