"""A split on disk: which images of which set train, choose and test. The only view of the data that a stage needs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain import files
from indomain.data.image_store import Pictures

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Listing:
    """A listing on disk and the prepared set, or the joined ones, that it speaks of.

    Attributes:
        facts: name, set, classes, positive, channels, folds, digest (of the rows and their roles), rows (the digest of
            the images alone, whatever their roles), counts, leaks, flags.
    """

    folder: Path
    prepared: list[Path]
    facts: dict[str, Any]

    @property
    def digest(self) -> str:
        """What runs depend on: the pixels, the rows, their labels and their roles; not the names of files."""
        return self.facts["digest"]

    @property
    def places(self) -> dict[str, str]:
        """What a task needs to find it again."""
        return {
            "listing": str(self.folder.absolute()),
            "prepared": "\n".join(str(folder.absolute()) for folder in self.prepared),
        }

    def table(self, fold: int = 0) -> "pd.DataFrame":
        """The rows of a fold; see `indomain.data.folds`, with `patient`, `label` and `file` beside."""
        import pandas as pd

        text = {name: str for name in ("id", "group", "patient", "study", "image", "origin", "label", "file")}
        table = pd.read_csv(self.folder / "split.csv", dtype=text, keep_default_na=False)
        return table[table["fold"] == fold].reset_index(drop=True)

    def rows(self) -> np.ndarray:
        """The places in the prepared set of all its images, in whatever fold and role, ascending."""
        import pandas as pd

        return np.unique(pd.read_csv(self.folder / "split.csv", usecols=["row"])["row"].to_numpy())

    def pictures(self, channels: int) -> Callable[[np.ndarray], np.ndarray]:
        """A function from places in the prepared set to uint8 images (n, rows, columns, channels)."""
        return Pictures([folder / "images.npy" for folder in self.prepared], channels)

    def masks(self) -> np.ndarray | None:
        """uint8 (N, rows, columns) for the whole prepared set, or None."""
        path = self.prepared[0] / "masks.npy"
        return np.load(path, mmap_mode="r") if len(self.prepared) == 1 and path.is_file() else None


def open_split(places: dict[str, str]) -> Listing:
    """The listing of a task."""
    folder = Path(places["listing"])
    prepared = [Path(place) for place in places["prepared"].split("\n")]
    return opened_listing(folder, prepared, files.read_json(folder / "facts.json"))


def opened_listing(folder: Path, prepared: list[Path], record: dict[str, Any]) -> Listing:
    return Listing(folder, prepared, {name: value for name, value in record.items() if name != "files"})
