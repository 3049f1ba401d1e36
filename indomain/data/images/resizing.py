"""Sizes and channels of images."""

import numpy as np
from PIL import Image, ImageOps


def resize(image: np.ndarray | Image.Image, size: tuple[int, int], fit: str) -> np.ndarray:
    """Resizes an image by Lanczos filtering.

    Args:
        image: uint8, (H, W) or (H, W, 3), or an 8-bit Pillow image.
        size: (rows, columns) of the result.
        fit: "pad" keeps the aspect ratio and shows the complete image on a black background; "crop" keeps the aspect ratio
            and fills the frame with the centre; "stretch" ignores the aspect ratio.

    Returns:
        uint8, (rows, columns) or (rows, columns, 3), 0–255.
    """
    rows, columns = size
    source = image if isinstance(image, Image.Image) else Image.fromarray(image)
    if source.size == (columns, rows):
        return np.asarray(image)
    if fit == "stretch":
        return np.asarray(source.resize((columns, rows), Image.Resampling.LANCZOS))
    if fit == "crop":
        return np.asarray(ImageOps.fit(source, (columns, rows), Image.Resampling.LANCZOS))
    if source.width * rows == source.height * columns:
        return np.asarray(source.resize((columns, rows), Image.Resampling.LANCZOS))
    return np.asarray(ImageOps.pad(source, (columns, rows), Image.Resampling.LANCZOS, color=0))


def to_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Converts images to a number of channels: grey is repeated, colour becomes luminance.

    Args:
        images: uint8 (..., H, W), (..., H, W, 1) or (..., H, W, 3), 0–255.
        channels: 1 or 3.

    Returns:
        uint8 (..., H, W, channels), 0–255.
    """
    if images.ndim >= 3 and images.shape[-1] == 1:
        images = images[..., 0]
    is_colour = images.ndim >= 3 and images.shape[-1] == 3
    if channels == 3:
        return images if is_colour else np.repeat(images[..., None], 3, axis=-1)
    if not is_colour:
        return images[..., None]
    # ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B, in 16-bit fixed point as in Pillow's convert("L").
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)
    return ((images.astype(np.uint32) @ weights + 0x8000) >> 16).astype(np.uint8)[..., None]
