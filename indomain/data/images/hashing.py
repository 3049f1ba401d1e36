"""Digests of pixels: exact (SHA-256) and perceptual (pHash)."""

import hashlib

import numpy as np
from PIL import Image


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
