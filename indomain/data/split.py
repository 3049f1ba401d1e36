"""A split on disk: which images of a pool are used to train, validate and test. Stages need no other view of the data.

    <runs folder>/work/split-<key>/
        split.csv       the split table: fold, id, row, group, y, split, rank, patient, study, image, origin, label, file
        leaks.csv       every leak that was found, whether it was removed or not
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
    """What is known about a split without reading its table.

    Attributes:
        name: the recipe's name for the target or source.
        set: the name of the pool.
        title: the titles of the pool's manifests.
        citation: the citations of the pool's manifests, or "".
        synthetic: whether any images are phantoms.
        stand_in: whether any images come from a reduced or partial copy of the named set.
        classes: the names of the classes, by class number.
        positive: the positive class, or "".
        channels: 1 if all images are grey, else 3.
        has_patients: whether the set names patients.
        has_studies: whether the set names studies.
        cut: whether any images are patches of larger ones.
        origins: the sets or folders that the images came from; empty if they only repeat the labels.
        masks: the SHA-256 of the masks, or "".
        incomplete: differences between the copy and the published set, as text.
        folds: the number of folds.
        counts: [fold, split, class number, images] for every part that is used.
        tested: [fold, class number, patients] of the test parts; a patient with images of several classes counts for each.
        leaks: the number of leaks found, by kind.
        dropped: the number of training images removed because of leaks.
        official_val_learnt: the number of official validation images that are training images, because the protocol
            follows the official split and holds out none for validation.
        rows: the digest of the images alone, regardless of their roles.
        digest: the digest that runs depend on: pixels, rows, labels and roles, but not the names of files.
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
    tested: list[list]
    leaks: dict[str, int]
    dropped: int
    official_val_learnt: int
    rows: str
    digest: str

    def to_params(self) -> dict[str, Any]:
        """The attributes as JSON, for the parameters of a task."""
        return asdict(self)

    @property
    def positive_index(self) -> int | None:
        """The number of the positive class; without one, the second of two classes, else None."""
        if self.positive:
            return self.classes.index(self.positive)
        return 1 if len(self.classes) == 2 else None

    @property
    def data(self) -> str:
        """What the table calls results on this data: "synthetic", "stand-in" or "real"."""
        return "synthetic" if self.synthetic else "stand-in" if self.stand_in else "real"

    @property
    def test_share(self) -> float:
        """Number of test images per image outside the test part, whatever the label budget; the mean over the folds.

        0 for a set that is only tested on.
        """
        inside: dict[int, int] = {}
        outside: dict[int, int] = {}
        for fold, split, _, number in self.counts:
            part = inside if split == "test" else outside
            part[fold] = part.get(fold, 0) + number
        return sum(number / outside[fold] for fold, number in inside.items() if fold in outside) / max(len(inside), 1)

    @property
    def has_validation(self) -> bool:
        """Whether there are validation images."""
        return any(split == "val" for _, split, _, _ in self.counts)


@dataclass(frozen=True)
class Split:
    """A split on disk, and the prepared sets that it refers to.

    Attributes:
        folder: the folder of the split.
        prepared: the folders of the prepared sets, in the order of the pool's rows.
        info: the content of `info.json`.
    """

    folder: Path
    prepared: list[Path]
    info: SplitInfo

    @classmethod
    def open(cls, paths: dict[str, Any], prefix: str = "") -> "Split":
        """Opens the split that a task names.

        Args:
            paths: the `paths` of the task, as returned by `Split.paths`.
            prefix: what their keys start with, to tell several splits of a task apart.
        """
        folder = Path(paths[f"{prefix}split"])
        return cls(folder, [Path(path) for path in paths[f"{prefix}prepared"]], read_info(folder))

    def paths(self, prefix: str = "") -> dict[str, Any]:
        """Returns the paths that a task needs in order to open the split.

        Args:
            prefix: what the keys start with, to tell several splits of a task apart.
        """
        prepared = [str(folder.absolute()) for folder in self.prepared]
        return {f"{prefix}split": str(self.folder.absolute()), f"{prefix}prepared": prepared}

    @property
    def digest(self) -> str:
        """The digest that runs depend on."""
        return self.info.digest

    def table(self, fold: int = 0) -> "pd.DataFrame":
        """Reads the rows of one fold, including those dropped as leaks.

        Args:
            fold: the number of the fold, from 0.

        Returns:
            The split table, with the columns of `split.csv`; `indomain.data.folds` explains them.
        """
        table = self.every_fold()
        return table[table["fold"] == fold].reset_index(drop=True)

    def every_fold(self) -> "pd.DataFrame":
        """Reads the rows of all folds, including those dropped as leaks."""
        import pandas as pd

        return pd.read_csv(self.folder / "split.csv", dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)

    def labelled(self, params: dict[str, Any]) -> "pd.DataFrame":
        """Reads the rows that a task uses.

        Args:
            params: the parameters of the task: `fold`, its label `budget`, and the share `validation` of the patients.

        Raises:
            RequestError: if the budget leaves a class without training images, or asks for more than there are.
        """
        budget = LabelBudget.of(params["budget"])
        return budget.rows(self.table(params["fold"]), params["validation"])

    def rows(self) -> np.ndarray:
        """Reads the row numbers in the pool of all images of the split, in any fold and role: int (n,), ascending."""
        import pandas as pd

        return np.unique(pd.read_csv(self.folder / "split.csv", usecols=["row"])["row"].to_numpy())

    def images(self, channels: int) -> ImageStore:
        """Returns a store that reads images by row number in the pool: uint8 (n, rows, columns, channels), 0–255.

        Args:
            channels: 1 or 3; grey images are repeated, colour images are converted to luminance.
        """
        return ImageStore([folder / "images.npy" for folder in self.prepared], channels)

    def masks(self) -> np.ndarray | None:
        """The masks of all images of the pool: uint8 (N, rows, columns), 255 on the abnormality; None without masks."""
        path = self.prepared[0] / "masks.npy"
        return np.load(path, mmap_mode="r") if len(self.prepared) == 1 and path.is_file() else None


def read_info(folder: Path) -> SplitInfo:
    """Reads the `SplitInfo` of a finished folder.

    Args:
        folder: the folder of a split.
    """
    return info_of(files.read_json(folder / "info.json"))


def info_of(record: dict[str, Any]) -> SplitInfo:
    """Returns the `SplitInfo` in the content of `info.json`.

    Args:
        record: the content of `info.json`.
    """
    return SplitInfo(**{name: value for name, value in record.items() if name != "files"})
