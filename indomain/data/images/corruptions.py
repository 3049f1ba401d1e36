"""Corruptions of graded severity, after Hendrycks & Dietterich 2019 (arXiv:1903.12261), for images of any size.

Lengths are shares of the image's shorter side, so that a severity means the same at 64 and at 512 pixels. The strengths are
our own, chosen before any network was tested: severity 5 corrupts a radiograph badly, severity 1 is barely visible.

Each corruption takes an image, float (rows, columns, channels), 0–255; a strength, whose meaning its docstring states; and a
random generator. It returns an image of the same shape, which `corrupt` rounds and clips to 0–255.
"""

import hashlib
from collections.abc import Callable

import numpy as np

from indomain.errors import unknown


def corrupt(images: np.ndarray, name: str, severity: int, seed: int, ids: list[str]) -> np.ndarray:
    """Corrupts images.

    The random numbers for an image depend on `seed`, `name` and its id only, not on the other images.

    Args:
        images: uint8 (N, rows, columns, channels), 0–255.
        name: a key of `CORRUPTIONS`.
        severity: 1 … 5.
        seed: seed of the random numbers.
        ids: the ids of the images.

    Returns:
        Corrupted copies, uint8 (N, rows, columns, channels).

    Raises:
        RequestError: if the name is unknown.
    """
    if name not in CORRUPTIONS:
        raise unknown("corruption", name, CORRUPTIONS)
    function, strengths = CORRUPTIONS[name]
    corrupted = []
    for image, image_id in zip(images, ids):
        key = hashlib.sha256(f"{seed}/{name}/{image_id}".encode()).digest()[:8]
        rng = np.random.default_rng(int.from_bytes(key, "big"))
        values = function(image.astype(np.float64), strengths[severity - 1], rng)
        corrupted.append(np.clip(np.rint(values), 0, 255).astype(np.uint8))
    return np.stack(corrupted)


def gaussian_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Adds independent Gaussian noise to every channel.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the standard deviation, as a share of the range 0–255.
        rng: random generator.
    """
    return image + 255 * strength * rng.normal(size=image.shape)


def poisson_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Adds the quantum noise of a low dose: pixel values become Poisson counts of photons.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: 1 / number of photons at full brightness (255).
        rng: random generator.
    """
    return rng.poisson(image / (255 * strength)) * (255 * strength)


def blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Applies a Gaussian blur.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the standard deviation, as a share of the shorter side.
        rng: ignored.
    """
    from scipy.ndimage import gaussian_filter

    sigma = strength * min(image.shape[:2])
    return gaussian_filter(image, (sigma, sigma, 0))


def contrast(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Reduces the contrast around the mean of each channel.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the share of the contrast that remains, 0 … 1.
        rng: ignored.
    """
    mean = image.mean(axis=(0, 1))
    return mean + strength * (image - mean)


def brightness(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Makes the image lighter or darker, at random.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the change, as a share of the range 0–255.
        rng: random generator.
    """
    return image + 255 * strength * rng.choice([-1, 1])


def jpeg(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Compresses the image as JPEG.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the quality as defined by Pillow, 1 … 95.
        rng: ignored.
    """
    import io

    from PIL import Image

    grey = image.shape[-1] == 1
    buffer = io.BytesIO()
    values = image.astype(np.uint8)
    Image.fromarray(values[..., 0] if grey else values).save(buffer, "JPEG", quality=int(strength))
    decoded = np.asarray(Image.open(buffer), np.float64)
    return decoded[..., None] if grey else decoded


def rotation(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Rotates the image clockwise or counterclockwise, at random; the border pixels are repeated outwards.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the angle in degrees.
        rng: random generator.
    """
    from scipy.ndimage import rotate

    return rotate(image, strength * rng.choice([-1, 1]), reshape=False, order=1, mode="nearest")


def occlusion(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Covers a square at a random position with the mean of the image.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the side of the square, as a share of the shorter side.
        rng: random generator.
    """
    rows, columns = image.shape[:2]
    side = max(1, round(strength * min(rows, columns)))
    top, left = rng.integers(0, rows - side + 1), rng.integers(0, columns - side + 1)
    copy = image.copy()
    copy[top : top + side, left : left + side] = image.mean(axis=(0, 1))
    return copy


def marker(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Burns a white L into a random corner.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the height of the letter, as a share of the shorter side.
        rng: random generator.
    """
    return burnt_in(image, strength, corner=int(rng.integers(0, 4)))


def burnt_in(image: np.ndarray, height: float, corner: int) -> np.ndarray:
    """Returns a copy of an image with a white L, like the side markers that radiographers use.

    Args:
        image: (rows, columns, channels), 0–255, of any numeric type.
        height: the height of the letter, as a share of the shorter side.
        corner: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
    """
    rows, columns = image.shape[:2]
    tall = max(3, round(height * min(rows, columns)))
    thick, wide, edge = max(1, tall // 4), max(2, round(0.6 * tall)), max(1, round(0.03 * min(rows, columns)))
    top = edge if corner < 2 else rows - edge - tall
    left = edge if corner % 2 == 0 else columns - edge - wide
    copy = image.copy()
    copy[top : top + tall, left : left + thick] = 255
    copy[top + tall - thick : top + tall, left : left + wide] = 255
    return copy


def resolution(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Reduces the image with a box filter, and enlarges it again by bilinear interpolation.

    Args:
        image: float (rows, columns, channels), 0–255.
        strength: the side of the reduced image, as a share of the original side.
        rng: ignored.
    """
    from PIL import Image

    rows, columns = image.shape[:2]
    small = max(2, round(strength * columns)), max(2, round(strength * rows))
    channels = []
    for channel in np.moveaxis(image, -1, 0):
        reduced = Image.fromarray(channel.astype(np.float32)).resize(small, Image.Resampling.BOX)
        channels.append(np.asarray(reduced.resize((columns, rows), Image.Resampling.BILINEAR), np.float64))
    return np.stack(channels, axis=-1)


# Each corruption, and its strengths at severity 1 … 5.
CORRUPTIONS: dict[str, tuple[Callable[[np.ndarray, float, np.random.Generator], np.ndarray], tuple[float, ...]]] = {
    "gaussian-noise": (gaussian_noise, (0.02, 0.04, 0.08, 0.12, 0.18)),
    "poisson-noise": (poisson_noise, (0.002, 0.005, 0.01, 0.02, 0.05)),
    "blur": (blur, (0.006, 0.012, 0.02, 0.03, 0.045)),
    "contrast": (contrast, (0.8, 0.6, 0.45, 0.3, 0.2)),
    "brightness": (brightness, (0.05, 0.1, 0.18, 0.26, 0.35)),
    "jpeg": (jpeg, (60, 35, 20, 12, 7)),
    "rotation": (rotation, (5, 10, 20, 30, 45)),
    "occlusion": (occlusion, (0.12, 0.2, 0.3, 0.4, 0.5)),
    "marker": (marker, (0.08, 0.12, 0.16, 0.22, 0.3)),
    "resolution": (resolution, (0.75, 0.55, 0.4, 0.28, 0.2)),
}
