"""A split on disk: which images of a pool train, choose and test. The only view of the data that a stage needs.

    split-<key>/         in the runs folder's `work`
        split.csv       the split table: fold, id, row, group, y, split, rank, patient, study, image, origin, label, file
        leaks.csv       what was on both sides, whether it was removed or not
        info.json       classes, counts, digests; written last

`indomain.data.gate` finds or draws these folders.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain import files
from indomain.data.budget import LabelBudget
from indomain.data.image_store import ImageStore

if TYPE_CHECKING:
    import pandas as pd

_TEXT = ("id", "group", "patient", "study", "image", "origin", "label", "file")


@dataclass(frozen=True)
class SplitInfo:
    """What is known of a split without reading its table.

    Attributes:
        name: the recipe's word for the target or source.
        set: the name of the pool.
        title, citation: of the pool's manifests.
        synthetic, stand_in: whether the images are phantoms, or a reduced copy of the named set.
        classes: names by class number.
        positive: the positive class, or "".
        channels: 1 or 3.
        has_patients, has_studies: whether the set names them.
        cut: whether the images are patches of larger ones.
        origins: the sets or folders that the images came from.
        masks: the SHA-256 of the masks, or "".
        incomplete: where the copy differs from the published one, in words.
        folds: their number.
        counts: [fold, split, class number, images] of every part that is used.
        leaks: number of leaks found, by kind.
        dropped: training images removed because of them.
        rows: the digest of the images alone, whatever their roles.
        digest: what runs depend on: pixels, rows, labels and roles; not the names of files.
    """

    name: str
    set: str
    title: str
    citation: str
    synthetic: bool
    stand_in: bool
    classes: list[str]
    positive: str
    channels: int
    has_patients: bool
    has_studies: bool
    cut: bool
    origins: list[str]
    masks: str
    incomplete: list[str]
    folds: int
    counts: list[list]
    leaks: dict[str, int]
    dropped: int
    rows: str
    digest: str

    def to_params(self) -> dict[str, Any]:
        """As JSON, for a task's parameters."""
        return asdict(self)

    @property
    def positive_index(self) -> int | None:
        """The positive class's number: the one named, else the last of two, else None."""
        if self.positive:
            return self.classes.index(self.positive)
        return 1 if len(self.classes) == 2 else None

    @property
    def data(self) -> str:
        """How the table calls its numbers: "synthetic", "stand-in" or "real"."""
        return "synthetic" if self.synthetic else "stand-in" if self.stand_in else "real"

    @property
    def has_validation(self) -> bool:
        return any(split == "val" for _, split, _, _ in self.counts)


@dataclass(frozen=True)
class Split:
    """A split's folder and those of the prepared sets that it is about."""

    folder: Path
    prepared: list[Path]
    info: SplitInfo

    @classmethod
    def open(cls, paths: dict[str, Any], prefix: str = "") -> "Split":
        """The split that a task's `paths` name, as `Split.paths` wrote them."""
        folder = Path(paths[f"{prefix}split"])
        return cls(folder, [Path(path) for path in paths[f"{prefix}prepared"]], read_info(folder))

    def paths(self, prefix: str = "") -> dict[str, Any]:
        """What a task needs to find the split again."""
        prepared = [str(folder.absolute()) for folder in self.prepared]
        return {f"{prefix}split": str(self.folder.absolute()), f"{prefix}prepared": prepared}

    @property
    def digest(self) -> str:
        return self.info.digest

    def table(self, fold: int = 0) -> "pd.DataFrame":
        """The rows of a fold, those dropped as leaks included; see `indomain.data.folds` for the columns."""
        table = self.every_fold()
        return table[table["fold"] == fold].reset_index(drop=True)

    def every_fold(self) -> "pd.DataFrame":
        """The rows of all folds."""
        import pandas as pd

        return pd.read_csv(self.folder / "split.csv", dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)

    def labelled(self, params: dict[str, Any]) -> "pd.DataFrame":
        """The rows that a task uses: those of its `fold` under its label `budget`."""
        budget = LabelBudget.of(params["budget"])
        return budget.rows(self.table(params["fold"]), params["validation"])

    def rows(self) -> np.ndarray:
        """int (n,): the rows in the pool of all its images, whatever their fold and role, ascending."""
        import pandas as pd

        return np.unique(pd.read_csv(self.folder / "split.csv", usecols=["row"])["row"].to_numpy())

    def images(self, channels: int) -> ImageStore:
        """The images by row in the pool: uint8 (n, height, width, channels), 0–255."""
        return ImageStore([folder / "images.npy" for folder in self.prepared], channels)

    def masks(self) -> np.ndarray | None:
        """uint8 (N, height, width) for the whole pool, or None where there are no masks."""
        path = self.prepared[0] / "masks.npy"
        return np.load(path, mmap_mode="r") if len(self.prepared) == 1 and path.is_file() else None


def read_info(folder: Path) -> SplitInfo:
    """The `SplitInfo` of a finished folder."""
    return info_of(files.read_json(folder / "info.json"))


def info_of(record: dict[str, Any]) -> SplitInfo:
    """The `SplitInfo` in the record that a finished folder ends with."""
    return SplitInfo(**{name: value for name, value in record.items() if name != "files"})
