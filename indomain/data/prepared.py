"""A prepared set on disk, or a subset of it: images decoded once to uint8 at one size, with an index.

    <cache folder>/<name>-<rows>x<columns>-<key>/
        images.npy      uint8 (N, rows, columns) for grey, (N, rows, columns, 3) for colour
        masks.npy       uint8 (N, rows, columns), only where the set has masks
        index.csv       id, file, label, patient, study, body_part, view, split, source_image (that a patch was cut from),
                        sha256 of the pixels, perceptual hash
        unreadable.csv  files left out, each with the reason
        set.json        counts, digest, and the length of every file; written last

`indomain.data.preparing` makes these folders.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain.data.images import hashing, resizing
from indomain.data.manifest import Manifest
from indomain.errors import unknown

# pandas takes half a second to import, which a finished recipe need not wait for.
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
    "phash",
]


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set, or a subset of one. Nothing is read before it is asked for.

    Attributes:
        folder: where it lies.
        manifest: what it was made from.
        info: the content of `set.json`: digest, images, channels, size, unreadable.
        subset: a value of the manifest's `subset_by` column, several joined by "+", or `all-but-` and those left out;
            "" for the whole set.
    """

    folder: Path
    manifest: Manifest
    info: dict[str, Any]
    subset: str = ""

    @property
    def name(self) -> str:
        """The word for it in messages and tables: "mura", "mura/humerus"."""
        return f"{self.manifest.name}/{self.subset}" if self.subset else self.manifest.name

    @property
    def digest(self) -> str:
        """16 hexadecimal digits for the pixels and the index of the whole set, whatever the folder and the machine."""
        return self.info["digest"]

    def part(self, subset: str) -> "PreparedSet":
        """A subset of this set."""
        return replace(self, subset=subset)

    def index(self) -> "pd.DataFrame":
        """One row per image of the subset; every column but `row` is text, empty where unknown.

        Beside `INDEX_COLUMNS`: `row`, the image's place in the array; `set`, the manifest's name; `numbers`, the set
        whose patient numbers these are.

        Raises:
            RequestError: an unknown subset.
        """
        import pandas as pd

        index = pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)
        index.insert(0, "row", np.arange(len(index)))
        index["set"], index["numbers"] = self.manifest.name, self.manifest.patients_of or self.manifest.name
        return index[self._in_subset(index)]

    def _in_subset(self, index: "pd.DataFrame") -> np.ndarray:
        column = self.manifest.subset_by
        if not self.subset or not column:
            return np.ones(len(index), bool)
        values = index[column].to_numpy()
        wanted = self.subset.removeprefix("all-but-").split("+")
        for value in wanted:
            if value not in values:
                raise unknown("subset", value, set(values), self.name)
        named = np.isin(values.astype(str), wanted)
        return ~named if self.subset.startswith("all-but-") else named

    def images(self) -> np.ndarray:
        """uint8 (N, rows, columns) or (N, rows, columns, 3) of the whole set, memory-mapped and read-only."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    def masks(self) -> np.ndarray | None:
        """uint8 (N, rows, columns), 255 on the abnormality, or None where the set has no masks."""
        path = self.folder / "masks.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else None

    def altered(self) -> list[str]:
        """The ids of images whose pixels no longer have the SHA-256 in the index; reads every image."""
        import pandas as pd

        channels = self.info["channels"]
        index = pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)
        return [
            name
            for image, sha256, name in zip(self.images(), index["sha256"], index["id"])
            if hashing.pixel_sha256(resizing.to_channels(image, channels)) != sha256
        ]

    def unreadable(self) -> "pd.DataFrame":
        """`file` and `reason` of every file that was left out."""
        import pandas as pd

        return pd.read_csv(self.folder / "unreadable.csv", dtype=str, keep_default_na=False)
