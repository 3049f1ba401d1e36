"""A prepared set on disk, or a subset of it: images decoded once to uint8 at one size, with an index.

    <cache folder>/<name>-<rows>x<columns>-<key>/
        images.npy      uint8 (N, rows, columns) for grey, (N, rows, columns, 3) for colour
        untreated.npy   the same before their contrast was treated, only where it was
        masks.npy       uint8 (N, rows, columns), only where the set has masks
        index.csv       id, file, label, patient, study, body_part, view, split, source_image (the image that a patch was
                        cut from), sha256 of the pixels
        unreadable.csv  files that were left out, each with the reason
        set.json        counts, digest, and the length and SHA-256 of the files; written last

`indomain.data.preparing` writes these folders.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain.data.images import hashing, resizing
from indomain.data.manifest import Manifest
from indomain.errors import unknown

# pandas takes half a second to import; a recipe that is already finished does not need it.
if TYPE_CHECKING:
    import pandas as pd

INDEX_COLUMNS = [
    "id",
    "file",
    "label",
    "patient",
    "study",
    "body_part",
    "view",
    "split",
    "source_image",
    "sha256",
]

UNTREATED = "untreated.npy"


def before_treatment(folder: Path) -> Path:
    """The file of the images of a prepared set before their contrast was treated.

    Args:
        folder: the set's.
    """
    path = folder / UNTREATED
    return path if path.is_file() else folder / "images.npy"


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set, or a subset of one. Files are only read on demand.

    Attributes:
        folder: the folder that holds it.
        manifest: the manifest that it was prepared from.
        info: the content of `set.json`: digest, images, channels, size, unreadable.
        subset: a value of the manifest's `subset_by` column, several values joined by "+", or `all-but-` followed by the
            values to leave out; "" for the complete set.
    """

    folder: Path
    manifest: Manifest
    info: dict[str, Any]
    subset: str = ""

    @property
    def name(self) -> str:
        """The name for messages and tables: "mura", "mura/humerus"."""
        return f"{self.manifest.name}/{self.subset}" if self.subset else self.manifest.name

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that identify the pixels and the index of the complete set, on any machine."""
        return self.info["digest"]

    def part(self, subset: str) -> "PreparedSet":
        """Returns a subset of this set.

        Args:
            subset: see the attribute of this name.
        """
        return replace(self, subset=subset)

    def index(self) -> "pd.DataFrame":
        """Reads the index: one row per image of the subset. Every column except `row` is text, empty where unknown.

        In addition to `INDEX_COLUMNS` there are `row`, the position of the image in the array; `set`, the name of the
        manifest; and `numbers`, the name of the set that the patient numbers belong to.

        Raises:
            RequestError: if the subset is unknown.
        """
        import pandas as pd

        index = pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)
        index.insert(0, "row", np.arange(len(index)))
        index["set"], index["numbers"] = self.manifest.name, self.manifest.patients_of or self.manifest.name
        return index[in_subset(self.manifest, self.subset, index)]

    def images(self) -> np.ndarray:
        """The images of the complete set, 0–255: uint8 (N, rows, columns) or (N, rows, columns, 3), memory-mapped, read-only."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    def masks(self) -> np.ndarray | None:
        """The masks of the complete set: uint8 (N, rows, columns), 255 on the abnormality, else 0; None without masks."""
        path = self.folder / "masks.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else None

    def altered(self) -> list[str]:
        """The ids of the images whose pixels no longer match the SHA-256 in the index. Reads every image."""
        import pandas as pd

        channels = self.info["channels"]
        index = pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)
        return [
            image_id
            for image, sha256, image_id in zip(self.images(), index["sha256"], index["id"])
            if hashing.pixel_sha256(resizing.to_channels(image, channels)) != sha256
        ]

    def unreadable(self) -> "pd.DataFrame":
        """One row per file that was left out, with the columns `file` and `reason`."""
        import pandas as pd

        return pd.read_csv(self.folder / "unreadable.csv", dtype=str, keep_default_na=False)


def in_subset(manifest: Manifest, subset: str, index: "pd.DataFrame") -> np.ndarray:
    """Which rows of an index belong to a subset: bool (n,).

    Args:
        manifest: the data set.
        subset: as in `PreparedSet`.
        index: with the column that names subsets.

    Raises:
        RequestError: if the subset is unknown.
    """
    column = manifest.subset_by
    if not subset or not column:
        return np.ones(len(index), bool)
    values = index[column].to_numpy()
    names = subset.removeprefix("all-but-").split("+")
    for name in names:
        if name not in values:
            raise unknown("subset", name, set(values), f"{manifest.name}/{subset}")
    is_named = np.isin(values.astype(str), names)
    return ~is_named if subset.startswith("all-but-") else is_named
