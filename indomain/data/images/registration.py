"""Registration: the affine map that lays one thumbnail on another, for many pairs at once.

Gauss-Newton steps from a start that is already close, with the mean of both images' gradients, which converges from twice
as far as either alone (ESM: Benhimane and Malis, "Real-time image-based tracking of planes using efficient second-order
minimization", IROS 2004). Maps act on (row, column), −1 … 1 from edge to edge.
"""

import numpy as np

_STIFFNESS = 1.0  # against shearing, in mean squared slopes: copies are seldom sheared, and plain images give no hold


def refined(first: np.ndarray, second: np.ndarray, maps: np.ndarray, steps: int) -> np.ndarray:
    """Improves affine maps, so that the second image of each pair looks like the first.

    Args:
        first: float32 (n, side, side), with details removed that are not to count.
        second: float32 (n, side, side).
        maps: where each place of the first image is in the second, float32 (n, 2, 3): `maps @ (row, column, 1)`.
        steps: Gauss-Newton steps.

    Returns:
        float32 (n, 2, 3).
    """
    row, column = _places(first.shape[-1])
    shear = np.array([0, 1, 0, 1, 0, 0], np.float32)
    ridge = 1e-3 * np.eye(6, dtype=np.float32) + _STIFFNESS * np.outer(shear, shear)
    for _ in range(steps if len(maps) else 0):
        moved, inside = warped(second, maps)
        a, b = _standard(first, inside), _standard(moved, inside)
        down, right = _gradients((a + b) * 0.5 * inside)
        slopes = np.stack([down * row, down * column, down, right * row, right * column, right], 1)
        slopes = slopes.reshape(len(maps), 6, -1)
        # What only one image shows, as a mark or the corners left by a rotation, counts less the more it differs.
        error = a - b
        trust = inside / (1 + inside.sum((1, 2), keepdims=True) * error * error)
        weighted = slopes * trust.reshape(len(maps), 1, -1)
        square = weighted @ slopes.transpose(0, 2, 1)
        # Where an image has no structure, a map may not run away.
        square += ridge * (np.trace(square, axis1=1, axis2=2) / 6 + 1e-6)[:, None, None]
        change = np.linalg.solve(square, weighted @ error.reshape(len(maps), -1, 1)).reshape(-1, 2, 3)
        change = np.clip(change, -0.15, 0.15)
        maps = maps + maps[:, :, :2] @ change
    return maps


def warped(images: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples images at mapped places, bilinearly.

    Args:
        images: float32 (n, side, side).
        maps: float32 (n, 2, 3).

    Returns:
        The samples, and whether each place is inside of the image, both float32 (n, side, side).
    """
    side = images.shape[-1]
    row, column = _places(side)
    at = maps[:, :, :1, None] * row + maps[:, :, 1:2, None] * column + maps[:, :, 2:, None]
    inside = (np.abs(at) <= 1).all(1).astype(np.float32)
    at = np.clip((at + 1) * (side / 2) - 0.5, 0, side - 1.001)
    first = at.astype(np.intp)
    down, right = np.moveaxis(at - first.astype(np.float32), 1, 0)
    flat = images.reshape(-1)
    start = first[:, 0] * side + first[:, 1] + (np.arange(len(images)) * side * side)[:, None, None]
    corner = flat.take(start)
    upper = corner + (flat.take(start + 1) - corner) * right
    corner = flat.take(start + side)
    lower = corner + (flat.take(start + (side + 1)) - corner) * right
    return upper + (lower - upper) * down, inside


def correlation(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The Pearson correlation of each pair where `inside` is 1, all (n, side, side); returns float32 (n,)."""
    return (_standard(first, inside) * _standard(second, inside)).sum((1, 2))


def tile_correlations(
    first: np.ndarray, second: np.ndarray, inside: np.ndarray, tiles: int
) -> tuple[np.ndarray, np.ndarray]:
    """Correlates each tile of the pairs.

    Args:
        first: float32 (n, side, side).
        second: float32 (n, side, side).
        inside: 1 where both images are known, else 0.
        tiles: the number of tiles along each side.

    Returns:
        The correlations, and the smaller of both images' standard deviations, both float32 (n, tiles²).
    """
    known = cut(inside, tiles)
    area = np.maximum(known.sum(2, keepdims=True), 1)
    a, b = cut(first, tiles) * known, cut(second, tiles) * known
    a, b = (a - a.sum(2, keepdims=True) / area) * known, (b - b.sum(2, keepdims=True) / area) * known
    squares_a, squares_b = np.einsum("ntp,ntp->nt", a, a), np.einsum("ntp,ntp->nt", b, b)
    correlations = np.einsum("ntp,ntp->nt", a, b) / np.sqrt(squares_a * squares_b + 1e-9)
    return correlations, np.sqrt(np.minimum(squares_a, squares_b) / area[:, :, 0])


def cut(images: np.ndarray, tiles: int) -> np.ndarray:
    """Cuts images into `tiles` × `tiles`: (n, tiles², pixels of a tile)."""
    number, side = len(images), images.shape[1] // tiles
    parts = images.reshape(number, tiles, side, tiles, side).transpose(0, 1, 3, 2, 4)
    return parts.reshape(number, tiles**2, side**2)


def inverted(maps: np.ndarray) -> np.ndarray:
    """The inverse maps: where each place of the second image is in the first, float32 (n, 2, 3)."""
    linear = np.linalg.inv(maps[:, :, :2])
    return np.concatenate([linear, -linear @ maps[:, :, 2:]], 2).astype(np.float32)


def _standard(images: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Images of mean 0 and norm 1 inside, and 0 outside."""
    mean = (images * inside).sum((1, 2)) / np.maximum(inside.sum((1, 2)), 1)
    images = (images - mean[:, None, None]) * inside
    return images / np.sqrt((images * images).sum((1, 2)) + 1e-6)[:, None, None]


def _gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences along rows and columns, per half side; 0 at the edges."""
    scale = np.float32(images.shape[-1] / 4)
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = (images[:, 2:] - images[:, :-2]) * scale
    right[:, :, 1:-1] = (images[:, :, 2:] - images[:, :, :-2]) * scale
    return down, right


def _places(side: int) -> np.ndarray:
    """Row and column of every pixel, −1 … 1: float32 (2, side, side)."""
    steps = ((np.arange(side) + 0.5) * (2 / side) - 1).astype(np.float32)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"))
