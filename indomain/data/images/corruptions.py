"""Corruptions in graded severity, after Hendrycks & Dietterich 2019 (arXiv:1903.12261), for pictures of any size.

Lengths are shares of the picture's shorter side, so that a severity means the same at 64 and at 512 pixels; values are 0–255.
The strengths are ours, chosen before any network was tested: severity 5 corrupts a radiograph badly, 1 is hardly seen.
"""

import hashlib
from collections.abc import Callable

import numpy as np

from indomain.errors import unknown


def corrupt(images: np.ndarray, name: str, severity: int, seed: int, ids: list[str]) -> np.ndarray:
    """Corrupted copies, uint8.

    Args:
        images: uint8 (N, rows, columns, channels).
        name: one of `CORRUPTIONS`; severity: 1 … 5.
        seed, ids: what is drawn depends on them and on the corruption, not on an image's place among the others.

    Raises:
        RequestError: an unknown name.
    """
    if name not in CORRUPTIONS:
        raise unknown("corruption", name, CORRUPTIONS)
    function, strengths = CORRUPTIONS[name]
    corrupted = []
    for picture, own in zip(images, ids):
        key = hashlib.sha256(f"{seed}/{name}/{own}".encode()).digest()[:8]
        rng = np.random.default_rng(int.from_bytes(key, "big"))
        made = function(picture.astype(np.float64), strengths[severity - 1], rng)
        corrupted.append(np.clip(np.rint(made), 0, 255).astype(np.uint8))
    return np.stack(corrupted)


def gaussian_noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Additive noise, drawn for every channel; strength: standard deviation / 255."""
    return picture + 255 * strength * rng.normal(size=picture.shape)


def poisson_noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Quantum noise of few photons; strength: 1 / photons at full brightness."""
    return rng.poisson(picture / (255 * strength)) * (255 * strength)


def blur(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur; strength: standard deviation / shorter side."""
    from scipy.ndimage import gaussian_filter

    sigma = strength * min(picture.shape[:2])
    return gaussian_filter(picture, (sigma, sigma, 0))


def contrast(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Less contrast about the mean; strength: what is left of it."""
    mean = picture.mean(axis=(0, 1))
    return mean + strength * (picture - mean)


def brightness(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Lighter or darker, drawn; strength: by what share of the range."""
    return picture + 255 * strength * rng.choice([-1, 1])


def jpeg(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Saved as JPEG; strength: Pillow's quality."""
    import io

    from PIL import Image

    grey = picture.shape[-1] == 1
    buffer = io.BytesIO()
    values = picture.astype(np.uint8)
    Image.fromarray(values[..., 0] if grey else values).save(buffer, "JPEG", quality=int(strength))
    again = np.asarray(Image.open(buffer), np.float64)
    return again[..., None] if grey else again


def rotation(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Turned to either side, drawn; the border is continued; strength: degrees."""
    from scipy.ndimage import rotate

    return rotate(picture, strength * rng.choice([-1, 1]), reshape=False, order=1, mode="nearest")


def occlusion(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A square of the mean value somewhere; strength: side / shorter side."""
    rows, columns = picture.shape[:2]
    side = max(1, round(strength * min(rows, columns)))
    top, left = rng.integers(0, rows - side + 1), rng.integers(0, columns - side + 1)
    covered = picture.copy()
    covered[top : top + side, left : left + side] = picture.mean(axis=(0, 1))
    return covered


def marker(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A burnt-in white L in a corner that is drawn; strength: its height / shorter side."""
    return burnt_in(picture, strength, corner=int(rng.integers(0, 4)))


def burnt_in(picture: np.ndarray, height: float, corner: int) -> np.ndarray:
    """A copy with a white L, as radiographers place it, in corner 0 … 3 (upper left, upper right, lower left, lower right)."""
    rows, columns = picture.shape[:2]
    tall = max(3, round(height * min(rows, columns)))
    thick, wide, edge = max(1, tall // 4), max(2, round(0.6 * tall)), max(1, round(0.03 * min(rows, columns)))
    top = edge if corner < 2 else rows - edge - tall
    left = edge if corner % 2 == 0 else columns - edge - wide
    marked = picture.copy()
    marked[top : top + tall, left : left + thick] = 255
    marked[top + tall - thick : top + tall, left : left + wide] = 255
    return marked


def resolution(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Reduced and enlarged again (box, bilinear); strength: what is left of the side."""
    from PIL import Image

    rows, columns = picture.shape[:2]
    small = max(2, round(strength * columns)), max(2, round(strength * rows))
    parts = []
    for channel in np.moveaxis(picture, -1, 0):
        one = Image.fromarray(channel.astype(np.float32)).resize(small, Image.Resampling.BOX)
        parts.append(np.asarray(one.resize((columns, rows), Image.Resampling.BILINEAR), np.float64))
    return np.stack(parts, axis=-1)


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
