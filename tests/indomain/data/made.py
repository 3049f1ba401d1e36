"""Small sets for the tests of this room: images that differ from one another, written as files and prepared."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indomain.data.manifest import Manifest
from indomain.data.prepared import PreparedSet
from indomain.data.preparing import prepare
from tests.indomain.data.images.test_decoding import write_dicom

PATTERN = "{split}/{label}/{patient}_*"


def image(seed: int, size: tuple[int, int] = (32, 32), channels: int = 1) -> np.ndarray:
    """An image like no other: coarse noise, uint8 (rows, columns) or (rows, columns, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    found = Image.fromarray(coarse if channels == 3 else coarse[..., 0])
    return np.asarray(found.resize(size[::-1], Image.Resampling.BICUBIC))


def nearly(pixels: np.ndarray) -> np.ndarray:
    """The same image with noise that is hardly seen."""
    noise = np.random.default_rng(9).integers(-3, 4, pixels.shape)
    return np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    """Writes an image, and the folders above it; as DICOM its first channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".dcm":
        write_dicom(path, np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 else pixels))
    else:
        Image.fromarray(pixels).save(path)


def manifest_of(read: dict[str, Any], name: str = "given", **more: Any) -> Manifest:
    """A manifest with nothing in it but what is asked for."""
    return Manifest.model_validate({"name": name, "title": name, "read": read, **more})


def given(
    data: Path,
    images: dict[str, np.ndarray],
    read: dict[str, Any] | None = None,
    name: str = "given",
    size: tuple[int, int] = (32, 32),
    /,
    **more: Any,
) -> PreparedSet:
    """Writes images under names such as train/sick/p1_a.png below a data folder, and prepares them as a set.

    Args:
        data: the data folder; the cache lies beside it.
        images: name -> pixels.
        read: the manifest's [read]; files named by `PATTERN` if left out.
        name: of the set, and of its folder below `data`.
        size: (rows, columns).
        more: further keys of the manifest.
    """
    for place, pixels in images.items():
        save(data / name / place, pixels)
    asked = {"reader": "folder", "root": name, "pattern": PATTERN} if read is None else read
    return prepare(manifest_of(asked, name, **more), data, data.parent / "cache", size, quiet=True)


def class_folders(
    data: Path, name: str, labels: str, count: int = 4, size: tuple[int, int] = (16, 16), /, **more: Any
) -> PreparedSet:
    """A set of `count` images a class, each class a folder; no image stands in two sets of different names."""
    first = 1000 * sum(map(ord, name))
    names = [f"{label}/{number}.png" for label in labels for number in range(count)]
    images = {place: image(first + number, (30, 40), 3) for number, place in enumerate(names)}
    return given(data, images, {"reader": "folder", "root": name, **more.pop("read", {})}, name, size, **more)
