"""`seen.npz` of an exported model: which images it has learnt from, and what they are like. No image can be made from it.

sha256      uint8 (n, 32): digests of the prepared images
hashes      uint8 (n, 32): perceptual hashes, see `indomain.data.images.hashing`
mean        float32 (d,): of the features of the images that it has learnt from
axes        float32 (k, d): their principal axes
spread      float32 (k,): standard deviations along them
rest        float32 (): mean squared distance from the axes' subspace
threshold   float32 (): distances above it are those of one in a hundred images that were held out
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from indomain import files
from indomain.data.images import hashing
from indomain.data.split import Split

MOST_AXES = 50
UNLIKE = 0.99  # share of the images that were held out whose distances lie below the threshold
_PART = 2000  # images that are read, and hashes that are compared, at once


@dataclass(frozen=True)
class Seen:
    """The images that a model has learnt from; the attributes are the arrays of the file."""

    sha256: np.ndarray
    hashes: np.ndarray
    mean: np.ndarray
    axes: np.ndarray
    spread: np.ndarray
    rest: np.ndarray
    threshold: np.ndarray

    def distance(self, features: np.ndarray) -> np.ndarray:
        """How unlike the learnt images others are, float (n,): about 1 for images like them.

        The mean of the squared distance along the principal axes, in standard deviations, and of that from their subspace, as a
        multiple of what is usual (after Lee et al. 2018, arXiv:1807.03888).

        Args:
            features: (n, d).
        """
        centred = features - self.mean
        along = centred @ self.axes.T
        off = np.square(centred - along @ self.axes).sum(axis=1) / self.rest
        return (np.square(along / self.spread).mean(axis=1) + off) / 2

    def is_unlike(self, features: np.ndarray) -> np.ndarray:
        """Which images are unlike those that the model has learnt from, bool (n,).

        Args:
            features: (n, d).
        """
        return self.distance(features) > self.threshold

    def among(self, sha256: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        """Which images the model has learnt from, or from copies that were resized or compressed, bool (m,).

        Args:
            sha256: uint8 (m, 32), digests of prepared images; they agree only at the model's own size.
            hashes: uint8 (m, 32), their perceptual hashes.
        """
        own = {bytes(digest) for digest in self.sha256}
        found = np.array([bytes(digest) in own for digest in sha256], bool)
        for start in range(0, len(self.hashes), _PART):
            apart = hashing.bits_apart(hashes, self.hashes[start : start + _PART])
            found |= (apart <= hashing.SIMILAR).any(axis=1)
        return found


def marks(split: Split, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Digests and perceptual hashes of some images of a split's pool, uint8 (n, 32) each.

    Args:
        split: the split.
        rows: int (n,), rows of the pool.
    """
    indices = [
        pd.read_csv(folder / "index.csv", usecols=["sha256"])["sha256"].to_numpy(str) for folder in split.prepared
    ]
    digests, images = np.concatenate(indices)[rows], split.images(1)
    hashes = [
        hashing.perceptual_hash(image)
        for start in range(0, len(rows), _PART)
        for image in images(rows[start : start + _PART])
    ]
    found = [list(bytes.fromhex(digest)) for digest in digests], hashes
    sha256, perceptual = (np.array(values, np.uint8).reshape(-1, 32) for values in found)
    return sha256, perceptual


def describe(sha256: np.ndarray, hashes: np.ndarray, learnt: np.ndarray, held_out: np.ndarray) -> Seen:
    """What `seen.npz` says.

    Args:
        sha256: uint8 (n, 32), digests of the images that the model has learnt from, those of its chain included.
        hashes: uint8 (n, 32), their perceptual hashes.
        learnt: (images, d), features of the target's training images.
        held_out: (others, d), features of images that it has not learnt from; where there are fewer than 20, the training images
            take their place.
    """
    mean = learnt.mean(axis=0)
    count = int(np.clip(len(learnt) // 4, 1, min(MOST_AXES, learnt.shape[1])))
    _, _, axes = np.linalg.svd(learnt - mean, full_matrices=False)
    axes = axes[:count]
    spread = np.maximum(((learnt - mean) @ axes.T).std(axis=0), 1e-6)
    off = np.square((learnt - mean) - (learnt - mean) @ axes.T @ axes).sum(axis=1)
    seen = Seen(
        sha256,
        hashes,
        *(np.asarray(values, np.float32) for values in (mean, axes, spread, max(float(off.mean()), 1e-6), 0.0)),
    )
    judged = held_out if len(held_out) >= 20 else learnt
    threshold = np.float32(np.quantile(seen.distance(judged.astype(np.float32)), UNLIKE))
    return Seen(seen.sha256, seen.hashes, seen.mean, seen.axes, seen.spread, seen.rest, np.asarray(threshold))


def write(path: Path, seen: Seen) -> None:
    """Writes the file.

    Args:
        path: the file.
        seen: what it says.
    """
    files.write_arrays(path, vars(seen))


def read(path: Path) -> Seen:
    """What `write` wrote.

    Args:
        path: the file.
    """
    with np.load(path, allow_pickle=False) as arrays:
        return Seen(**{name: arrays[name] for name in arrays.files})
