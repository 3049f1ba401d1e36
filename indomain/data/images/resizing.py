"""Resizing and channels."""

import numpy as np
from PIL import Image, ImageOps


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
