"""Digests of pixels: exact (SHA-256) and perceptual (pHash)."""

import hashlib

import numpy as np
from PIL import Image


def pixel_sha256(image: np.ndarray) -> str:
    """Returns the SHA-256 of an image's shape and pixels, as 64 hexadecimal digits.

    It does not depend on the format of the file that the image was read from.

    Args:
        image: uint8, (rows, columns) or (rows, columns, channels).
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def perceptual_hashes(images: list[np.ndarray]) -> list[str]:
    """Returns the 64-bit perceptual hash (pHash) of each image, as 16 hexadecimal digits.

    The bits are the same as those of `imagehash.phash`. Hashing many images at once is faster, because the transform of a
    single image takes longer than resizing it.

    Args:
        images: uint8 (rows, columns, 1) or (rows, columns, 3), at least one image.
    """
    from scipy.fft import dctn

    # pHash: the two-dimensional cosine transform of 32 × 32 grey pixels, of which the 8 × 8 lowest frequencies are kept;
    # a bit is 1 where a coefficient exceeds the median of all 64.
    small = np.stack([_grey_32(image) for image in images])
    lowest = dctn(small, axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = lowest > np.median(lowest, axis=1, keepdims=True)
    return [packed.tobytes().hex() for packed in np.packbits(bits, axis=1)]


def _grey_32(image: np.ndarray) -> np.ndarray:
    # A box filter is several times faster than a smoother one, and makes no difference to the hash.
    grey = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("L")
    return np.asarray(grey.resize((32, 32), Image.Resampling.BOX))
