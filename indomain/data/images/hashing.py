"""Digests of pixels."""

import hashlib

import numpy as np


def pixel_sha256(image: np.ndarray) -> str:
    """Returns the SHA-256 of an image's shape and pixels, as 64 hexadecimal digits.

    It does not depend on the format of the file that the image was read from.

    Args:
        image: uint8, (rows, columns) or (rows, columns, channels).
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
