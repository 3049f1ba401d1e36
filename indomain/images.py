"""Decoding: any medical or ordinary picture becomes uint8, grey (H, W) or RGB (H, W, 3).

Rules, the same for every format:
* 8-bit values stay as they are. More than 8 bits: a DICOM's own window (its first) is applied; where none is stated,
  the picture's own minimum and maximum become 0 and 255.
* DICOM: rescale slope and intercept, then the window; MONOCHROME1 is inverted, so that bone is bright.
* EXIF orientation is applied; transparency lies on white; of several pages or frames the first is taken.
"""

import hashlib
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


def resize(picture: np.ndarray | Image.Image, size: tuple[int, int], fit: str) -> np.ndarray:
    """`picture` at `size` = (rows, columns), by Lanczos filtering.

    Args:
        picture: uint8, (H, W) or (H, W, 3), or an 8-bit Pillow image.
        fit: "pad" keeps the aspect ratio and the whole picture, on black; "crop" keeps the ratio and fills the frame
            with the centre; "stretch" gives the ratio up.
    """
    rows, columns = size
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if image.size == (columns, rows):
        return np.asarray(picture)
    if fit == "stretch":
        return np.asarray(image.resize((columns, rows), Image.Resampling.LANCZOS))
    if fit == "crop":
        return np.asarray(ImageOps.fit(image, (columns, rows), Image.Resampling.LANCZOS))
    if image.width * rows == image.height * columns:
        return np.asarray(image.resize((columns, rows), Image.Resampling.LANCZOS))
    return np.asarray(ImageOps.pad(image, (columns, rows), Image.Resampling.LANCZOS, color=0))


def to_channels(pictures: np.ndarray, channels: int) -> np.ndarray:
    """Pictures (..., H, W) or (..., H, W, 3) as (..., H, W, channels): grey is repeated, colour becomes luminance."""
    if pictures.ndim >= 3 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    colour = pictures.ndim >= 3 and pictures.shape[-1] == 3
    if channels == 3:
        return pictures if colour else np.repeat(pictures[..., None], 3, axis=-1)
    if not colour:
        return pictures[..., None]
    # ITU-R BT.601 luma in integers, as Pillow's convert("L").
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)
    return ((pictures.astype(np.uint32) @ weights + 0x8000) >> 16).astype(np.uint8)[..., None]


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


def pixel_sha256(picture: np.ndarray) -> str:
    """SHA-256 of shape and pixels: equal for equal pictures, whatever file they came from."""
    found = hashlib.sha256(repr(picture.shape).encode())
    found.update(np.ascontiguousarray(picture).data)
    return found.hexdigest()


def perceptual_hashes(pictures: list[np.ndarray]) -> list[str]:
    """64-bit perceptual hashes (pHash: signs of the 8 × 8 lowest frequencies of 32 × 32 grey pixels), 16 hexadecimal digits.

    They are those of `imagehash.phash`, for many pictures at once: one by one the transform costs more than the shrinking.
    """
    from scipy.fft import dctn

    small = np.stack([_grey_32(picture) for picture in pictures])
    lowest = dctn(small, axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = lowest > np.median(lowest, axis=1, keepdims=True)
    return [packed.tobytes().hex() for packed in np.packbits(bits, axis=1)]


def _grey_32(picture: np.ndarray) -> np.ndarray:
    # A box filter takes a fraction of the time of a smoother one, and a hash does not see the difference.
    grey = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).convert("L")
    return np.asarray(grey.resize((32, 32), Image.Resampling.BOX))
