"""DOC data.prepared"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain.data.images import hashing, resizing
from indomain.data.manifest import Manifest

# pandas takes half a second to import, which a recipe that is already done need not wait for.
if TYPE_CHECKING:
    import pandas as pd


INDEX_COLUMNS = ["id", "file", "label", "patient", "study", "part", "view", "split", "whole", "sha256", "phash"]


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set on disk. Nothing is read before it is asked for."""

    folder: Path
    manifest: Manifest
    facts: dict[str, Any]  # set.json: digest, images, channels, size, unreadable

    @property
    def folders(self) -> list[Path]:
        """Its folder, as `indomain.data.pool.JoinedSet` has several."""
        return [self.folder]

    @property
    def manifests(self) -> list[Manifest]:
        """Its manifest, as `indomain.data.pool.JoinedSet` has several."""
        return [self.manifest]

    @property
    def digest(self) -> str:
        """16 hexadecimal digits for the pixels and the index, whatever the folder and the machine."""
        return self.facts["digest"]

    def index(self) -> "pd.DataFrame":
        """One row an image, in the order of the array; every column is text, empty where unknown."""
        import pandas as pd

        return pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)

    def images(self) -> np.ndarray:
        """uint8 (N, rows, columns) or (N, rows, columns, 3), memory-mapped and read-only."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    def masks(self) -> np.ndarray | None:
        """uint8 (N, rows, columns), 255 on the abnormality, or None where the set has no masks."""
        path = self.folder / "masks.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else None

    def altered(self) -> list[str]:
        """The ids of images whose pixels are not those of their SHA-256 in the index any more; reads every one."""
        channels, index = self.facts["channels"], self.index()
        pairs = zip(self.images(), index["sha256"], index["id"])
        return [
            name
            for picture, sha256, name in pairs
            if hashing.pixel_sha256(resizing.to_channels(picture, channels)) != sha256
        ]

    def unreadable(self) -> "pd.DataFrame":
        """`file` and `reason` of what was left out."""
        import pandas as pd

        return pd.read_csv(self.folder / "unreadable.csv", dtype=str, keep_default_na=False)
