"""Landmarks: the blobs of an image, and the whole of it, each with a description of its surroundings that survives most copying.

A copy that was cropped, squashed, letterboxed, turned, mirrored or inverted shares no hash of the whole picture with its
original, but most of its blobs. They are found as the extrema of differences of Gaussians over place and size (Lowe,
"Distinctive image features from scale-invariant keypoints", IJCV 2004), and described by the low frequencies of the square
around them. Turns and mirrorings only change signs and places of these frequencies, so that the descriptions of all eight
follow from one. Where Lowe makes descriptions independent of small rotations, these are not: copies are turned by quarters.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE = 64  # pixels of a thumbnail's side
MOST = 24  # blobs an image
_SIZES = tuple(0.02 * 2 ** (octave / 3) for octave in range(10))  # standard deviations in sides of the image
_REACH = 7.0  # sides of the described square, in standard deviations of the blob
_OUTSIDE = 0.15  # share of the square that may be outside of the image
_SAMPLES, _FREQUENCIES = 12, 8  # of a square's side
LOCAL = 0.1  # standard deviation of the neighbourhood that decides brightness and contrast, in sides of the image
_PLAIN = 3  # grey levels by which a plain corner differs from its outermost pixel
_LEAST = 6  # pixels along an edge that a plain corner has
_CORNERS = 0.12  # share of the image that plain corners are at most
_NOISE = 4.0  # grey levels of contrast that count as nothing

# The symmetries of the square, as matrices that act on (row, column): four without and four with exchanged axes.
TURNS = np.array(
    [[[a, 0], [0, b]] for a in (1, -1) for b in (1, -1)] + [[[0, a], [b, 0]] for a in (1, -1) for b in (1, -1)],
    np.float32,
)


@dataclass(frozen=True)
class Landmarks:
    """The landmarks of a stack of images.

    Places are (row, column), −1 … 1 from edge to edge of the thumbnail.

    Attributes:
        image: the number of each landmark's image, int (m,), ascending.
        place: float32 (m, 2).
        reach: half the side of the described square, float32 (m,).
        vector: the description, of norm 1, float32 (m, d).
    """

    image: np.ndarray
    place: np.ndarray
    reach: np.ndarray
    vector: np.ndarray


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Returns the content of an image, without plain bars at its edges and plain corners, squashed to a square.

    Args:
        image: uint8 (rows, columns), 0–255.

    Returns:
        uint8 (SIDE, SIDE).
    """
    # A line is plain if it varies by less than JPEG noise.
    noise = max(6.0, 0.04 * (int(image.max()) - int(image.min())))
    edges: list[tuple[int, int]] = []
    for axis in (1, 0):
        content = np.flatnonzero(image.max(axis).astype(int) - image.min(axis) > noise)
        whole = image.shape[1 - axis]
        # Little content on much background is not a letterbox.
        boxed = len(content) > 0 and content[-1] + 1 - content[0] >= 0.3 * whole
        edges.append((int(content[0]), int(content[-1]) + 1) if boxed else (0, whole))
    (top, bottom), (left, right) = edges
    square = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    return _without_corners(np.asarray(square))


def _without_corners(square: np.ndarray) -> np.ndarray:
    """Replaces the plain corners that a small rotation leaves, or the round view of a dermatoscope, by what is next to them.

    Where more of an image is plain, as around a hand, its outline says what is shown, and it stays as it is.
    """
    from scipy import ndimage

    grey, plain = square.astype(np.int16), np.zeros(square.shape, bool)
    for row, column in itertools.product((0, -1), (0, -1)):
        alike = np.abs(grey - grey[row, column]) <= _PLAIN
        along_row, along_column = alike[row, :: 2 * column + 1], alike[:: 2 * row + 1, column]
        if along_row[:_LEAST].all() or along_column[:_LEAST].all():
            parts, _ = ndimage.label(alike)
            plain |= parts == parts[row, column]
    if not plain.any() or plain.mean() > _CORNERS:
        return square
    # Resizing mixes the pixels at the border of a corner with it.
    plain = ndimage.binary_dilation(plain)
    nearest = ndimage.distance_transform_edt(plain, return_distances=False, return_indices=True)
    return square[tuple(nearest)]


def equalised(thumbnails: np.ndarray, local: float = LOCAL, inside: np.ndarray | None = None) -> np.ndarray:
    """Removes brightness and contrast from the neighbourhood of each pixel; finer structure is left.

    Args:
        thumbnails: 0–255, uint8 or float32 (n, side, side).
        local: the standard deviation of the neighbourhood, in sides of the image.
        inside: 1 for the pixels that count, 0 for the others, float32 (n, side, side). Default: all count.

    Returns:
        float32 (n, side, side), −2.5 … 2.5; 0 where pixels do not count.
    """
    blur = _blurs((local,), thumbnails.shape[-1])[0]
    pixels = thumbnails.astype(np.float32)
    if inside is None:
        fine = pixels - blur @ pixels @ blur.T
        contrast = np.sqrt(np.maximum(blur @ (fine * fine) @ blur.T, 0))
    else:
        share = np.maximum(blur @ inside @ blur.T, 1e-3)
        fine = (pixels - (blur @ (pixels * inside) @ blur.T) / share) * inside
        contrast = np.sqrt(np.maximum((blur @ (fine * fine) @ blur.T) / share, 0))
    return np.clip(fine / (contrast + _NOISE), -2.5, 2.5)


def blurred(images: np.ndarray, pixels: float) -> np.ndarray:
    """Blurs images.

    Args:
        images: float32 (n, side, side).
        pixels: the standard deviation of the Gaussian blur.
    """
    side = images.shape[-1]
    blur = _blurs((pixels / side,), side)[0]
    return blur @ images @ blur.T


def find(images: np.ndarray) -> Landmarks:
    """Finds and describes the landmarks of images.

    Args:
        images: as returned by `equalised`, float32 (n, SIDE, SIDE).
    """
    image, place, size, sign = _blobs(images)
    reach = _REACH * size
    inside = (np.abs(place) + reach[:, None] <= 1 + 2 * _OUTSIDE * reach[:, None]).all(1)
    image, place, reach, sign = image[inside], place[inside], reach[inside], sign[inside]
    # Blobs come strongest first within each image.
    rank = np.arange(len(image)) - np.searchsorted(image, image)
    kept = rank < MOST
    # The whole image is a landmark, too: what changes its pixels but not its frame moves blobs more than that.
    seen = np.flatnonzero(images.std((1, 2)) > 1e-3)
    image = np.concatenate([image[kept], seen])
    place = np.concatenate([place[kept], np.zeros((len(seen), 2), np.float32)])
    reach = np.concatenate([reach[kept], np.ones(len(seen), np.float32)])
    sign = np.concatenate([sign[kept], _signs(images[seen])])
    order = np.argsort(image, kind="stable")
    image, place, reach, sign = image[order], place[order], reach[order], sign[order]
    return Landmarks(image, place, reach, _described(images, image, place, reach, sign))


def turned(vectors: np.ndarray, turn: int) -> np.ndarray:
    """Returns the descriptions of the same landmarks in turned images.

    Args:
        vectors: float32 (m, d).
        turn: a row of `TURNS`; the turned image shows at u what the original shows at `TURNS[turn] @ u`.
    """
    order, sign = _turns()
    return vectors[:, order[turn]] * sign[turn]


@functools.cache
def frequencies() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The vertical and horizontal frequencies of a description, low ones without the mean, and their weights."""
    rows, columns = np.indices((_FREQUENCIES, _FREQUENCIES)).reshape(2, -1)
    length = np.hypot(rows, columns)
    kept = (length > 0) & (length <= _FREQUENCIES - 0.5)
    # Higher frequencies are fainter in every image, and tell images apart.
    return rows[kept], columns[kept], length[kept] ** 0.5


def _blobs(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The image, place, standard deviation (both in half sides) and sign of all blobs, strongest first in each image."""
    blurred = [blur @ images @ blur.T for blur in _blurs(_SIZES)]
    response = np.stack([wide - narrow for narrow, wide in itertools.pairwise(blurred)])
    strength = np.abs(response)
    peak = strength
    for axis in (0, 2, 3):
        lower, upper = (slice(None),) * axis + (slice(None, -1),), (slice(None),) * axis + (slice(1, None),)
        higher = peak.copy()
        np.maximum(higher[upper], peak[lower], out=higher[upper])
        np.maximum(higher[lower], peak[upper], out=higher[lower])
        peak = higher
    found = (strength == peak) & (strength > 1e-3)
    found[0] = found[-1] = False
    level, image, row, column = np.nonzero(found)
    value = response[level, image, row, column]

    def offset(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Where the parabola through three neighbours has its vertex, −0.5 … 0.5."""
        bend = before - 2 * value + after
        return np.clip(np.divide(0.5 * (before - after), bend, out=np.zeros_like(bend), where=bend != 0), -0.5, 0.5)

    up, down = np.maximum(row - 1, 0), np.minimum(row + 1, SIDE - 1)
    left, right = np.maximum(column - 1, 0), np.minimum(column + 1, SIDE - 1)
    rows = row + offset(response[level, image, up, column], response[level, image, down, column])
    columns = column + offset(response[level, image, row, left], response[level, image, row, right])
    levels = level + offset(response[level - 1, image, row, column], response[level + 1, image, row, column])
    place = ((np.stack([rows, columns], 1) + 0.5) * (2 / SIDE) - 1).astype(np.float32)
    size = (_SIZES[0] * 2 ** ((levels + 0.5) / 3)).astype(np.float32)
    order = np.lexsort((-np.abs(value), image))
    return image[order], place[order], size[order], np.sign(value[order])


def _signs(images: np.ndarray) -> np.ndarray:
    """Whether the middle of each image is brighter or darker than its edges, 1 or −1: turns do not change it."""
    waves = np.cos(2 * np.pi * (np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)
    return np.where((images @ waves + images.transpose(0, 2, 1) @ waves).sum(1) < 0, 1.0, -1.0)


def _described(
    images: np.ndarray, image: np.ndarray, place: np.ndarray, reach: np.ndarray, sign: np.ndarray
) -> np.ndarray:
    """The low frequencies of the square around each landmark, without its mean, of norm 1.

    The sign of the blob makes bright what was dark: an inverted image has the same descriptions.
    """
    # Squares of many pixels are sampled from a blurred image.
    blurs = (0.0, 1 / SIDE, 2 / SIDE, 3.5 / SIDE)
    layers = np.stack([images, *(blur @ images @ blur.T for blur in _blurs(blurs[1:]))])
    layer = np.digitize(reach * SIDE / _SAMPLES, (1.6, 3.0, 5.0))[:, None, None]
    steps = (np.arange(_SAMPLES, dtype=np.float32) + 0.5) / _SAMPLES * 2 - 1
    at = (place[:, :, None] + reach[:, None, None] * steps + 1) * (SIDE / 2) - 0.5
    at = np.clip(at, 0, SIDE - 1.001)
    first = at.astype(np.int32)
    (row, column), (down, right) = np.moveaxis(first, 1, 0), np.moveaxis(at - first, 1, 0)
    row, column, down, right = row[:, :, None], column[:, None, :], down[:, :, None], right[:, None, :]
    flat = layers.reshape(-1)
    start = ((layer * len(images) + image[:, None, None]) * SIDE + row) * SIDE + column
    upper = flat[start] * (1 - right) + flat[start + 1] * right
    lower = flat[start + SIDE] * (1 - right) + flat[start + SIDE + 1] * right
    square = upper * (1 - down) + lower * down
    waves = np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), (np.arange(_SAMPLES) + 0.5) / _SAMPLES))
    rows, columns, weight = frequencies()
    basis = (waves[rows][:, :, None] * waves[columns][:, None, :] * weight[:, None, None]).reshape(len(rows), -1)
    vector = square.reshape(len(square), _SAMPLES**2) @ basis.T.astype(np.float32) * sign[:, None]
    norm = np.maximum(np.linalg.norm(vector, axis=1, keepdims=True), 1e-6)
    return (vector / norm).astype(np.float32)


@functools.cache
def _turns() -> tuple[np.ndarray, np.ndarray]:
    """For each turn, which frequency each frequency comes from, and its sign: int (8, d) and float32 (8, d)."""
    rows, columns, _ = frequencies()
    number = {pair: place for place, pair in enumerate(zip(rows, columns))}
    order, sign = [], []
    for turn in TURNS.astype(int):
        exchanged = turn[0, 0] == 0
        order.append([number[(b, a) if exchanged else (a, b)] for a, b in zip(rows, columns)])
        # A mirrored cosine of odd frequency changes its sign.
        of_rows, of_columns = (turn[1, 0], turn[0, 1]) if exchanged else (turn[0, 0], turn[1, 1])
        sign.append([of_rows ** int(a) * of_columns ** int(b) for a, b in zip(rows, columns)])
    return np.array(order), np.array(sign, np.float32)


@functools.cache
def _blurs(sizes: tuple[float, ...], side: int = SIDE) -> np.ndarray:
    """Gaussian blurs as matrices, float32 (sizes, side, side): a product of matrices is the fastest filter of thumbnails."""
    from scipy.ndimage import gaussian_filter1d

    identity = np.eye(side)
    return np.stack([gaussian_filter1d(identity, size * side, axis=0, mode="nearest") for size in sizes]).astype(
        np.float32
    )
