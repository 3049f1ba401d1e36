"""Pixel values of any range as 0–255, and what is refused before it is unpacked."""

import numpy as np

# Larger images are refused before they are unpacked. Radiographs have up to 25 million pixels; the largest histology images
# published as a single PNG or TIFF have about 100 million. A colour image at the limit takes 0.6 GB.
MAX_PIXELS = 200_000_000


class UnreadableImage(ValueError):
    """The file is not an image, or cannot be decoded on this machine. The message is the reason."""


def check_size(pixels: int) -> None:
    """Raises UnreadableImage for more pixels than are unpacked.

    Args:
        pixels: number of pixels of all frames that are to be unpacked.
    """
    if pixels > MAX_PIXELS:
        raise UnreadableImage(f"{pixels:,} pixels; at most {MAX_PIXELS:,} are unpacked")


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
