"""Decoding: any medical or ordinary picture becomes uint8, grey (H, W) or RGB (H, W, 3).

Rules, the same for every format:
* 8-bit values stay as they are. More than 8 bits: a DICOM's own window (its first) is applied; where none is stated,
  the picture's own minimum and maximum become 0 and 255.
* DICOM: rescale slope and intercept, then the window; MONOCHROME1 is inverted, so that bone is bright.
* EXIF orientation is applied; transparency lies on white; of several pages or frames the first is taken.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# A picture that unpacks to more is refused before it does. Radiographs have up to 25 million pixels, the largest
# histology pictures that are given as one PNG or TIFF about 100 million; in colour this limit is 0.6 GB.
MAX_PIXELS = 200_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class UnreadableImage(ValueError):
    """A file that is no picture, or one that this machine cannot decode; the message is the reason."""


def decode(path: Path) -> np.ndarray:
    """The picture as uint8, (H, W) for grey and (H, W, 3) for colour.

    Raises:
        UnreadableImage: with the reason, in words.
    """
    return np.asarray(read(path))


def read(path: Path, at_least: int | None = None) -> Image.Image:
    """The picture as an 8-bit Pillow image, grey ("L") or "RGB": `decode` before it becomes an array.

    Args:
        at_least: JPEG files may be decoded at 1/2, 1/4 or 1/8 of their size, as long as both sides stay at least this
            long (the decoder averages exactly, and is several times faster). None decodes at full size.

    Raises:
        UnreadableImage: with the reason, in words.
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
        # Decoders of untrusted files fail in any way they like; the file is named and the run goes on.
        raise UnreadableImage(_reason(path, error)) from error


def is_grey(path: Path) -> bool:
    """Whether a file holds one channel, told from its header alone.

    Raises:
        UnreadableImage: with the reason, in words.
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
    """Any mode as "L" or "RGB"; its pixels are loaded."""
    ImageOps.exif_transpose(image, in_place=True)
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_stretched(np.asarray(image).astype(np.float64)))
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
        # pydicom has already turned YBR into RGB.
        return pixels if pixels.dtype == np.uint8 else _stretched(pixels.astype(np.float64))
    pixels = pixels[0] if pixels.ndim == 3 else pixels
    # Some files name a window and leave it empty: then there is none.
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    windowed = "VOILUTSequence" in dataset or (centre not in (None, "") and width not in (None, ""))
    rescaled = "RescaleSlope" in dataset or "ModalityLUTSequence" in dataset
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours = apply_color_lut(pixels, dataset)
        return (colours >> (8 * (colours.dtype.itemsize - 1))).astype(np.uint8)
    if not windowed and not rescaled and pixels.dtype == np.uint8:
        picture = pixels
    else:
        values = apply_modality_lut(pixels, dataset)
        if windowed:
            values = apply_voi_lut(values, dataset)
            low, high = _window_output_range(dataset, values)
            picture = _stretched(np.asarray(values, np.float64), low, high)
        else:
            picture = _stretched(np.asarray(values, np.float64))
    return 255 - picture if photometric == "MONOCHROME1" else picture


def _window_output_range(dataset, values: np.ndarray) -> tuple[float, float]:
    """The range that pydicom's window maps to, so that the window's edges become 0 and 255 and not the picture's own."""
    from pydicom.pixels import apply_voi_lut

    if "VOILUTSequence" in dataset:
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return 0.0, float(2**bits - 1)
    probe = np.array([-1e9, 1e9])
    low, high = apply_voi_lut(probe, dataset)
    return float(low), float(high)


def _stretched(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
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
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    text = " ".join(str(error).split())
    if type(error).__name__ == "UnidentifiedImageError":
        return "not a picture in any known format"
    return f"{type(error).__name__}: {text[:200]}"
