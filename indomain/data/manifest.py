"""A manifest says what a data set is and how its files are read: one TOML file, shipped or the user's own.

name = "mura"                                   # the word that recipes use
[read]                                          # how image, label, patient and split are found
reader = "folder"
root = "MURA-v1.1"                              # below the data folder
pattern = "{split}/XR_{body_part}/{patient}/{study}_{label}/{view}.png"
[counts.humerus.test]                           # what a complete copy holds: subset, split, class
abnormal = 140
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from indomain.errors import RequestError, unknown
from indomain.files import shipped
from indomain.toml import Table, read_toml, validated

COLUMNS = ("label", "patient", "study", "body_part", "view", "split")
# What becomes part of a file's name: letters, digits, "_", "-", "." and spaces inside, in any script.
FileName = Annotated[str, Field(pattern=r"^\w([\w .+-]*\w)?$", max_length=80)]


class FolderReader(Table):
    """Class folders (`[split/]class/.../image`), or a path pattern with `{label}`, `{patient}`, `{study}` ... in it."""

    reader: Literal["folder"]
    root: str = "."
    outside: bool = False  # whether it may read files outside the data folder
    pattern: str | None = None  # `{name}` matches within one folder name; `{name:REGEX}` for anything else
    suffixes: list[str] = [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm"]
    labelled: bool = True  # false: every image below the root, no labels
    # Where an image's mask lies below the root, white on the finding: "masks/{stem}.png", "{folder}/{stem}_mask.png".
    masks: str = ""


class ImageTable(Table):
    """One CSV file and the pictures that it names."""

    file: str
    images: str = "{image}"  # where a picture lies below the root, for instance "train/{image}.jpg"
    masks: str = ""  # where its mask lies, white on the finding, likewise
    columns: list[str] = []  # their names, for a table without a first line of names
    join: str = ""  # a second table about the same pictures (lesions, patients), which has the same `image` column
    split: str | None = None


class CsvReader(Table):
    """Tables that name image, label, patient and split in columns."""

    reader: Literal["csv"]
    root: str = "."
    outside: bool = False  # whether it may read files outside the data folder
    tables: list[ImageTable]
    image: str = "image"
    label: str | None = None  # one column of words ...
    label_columns: list[str] = []  # ... or one column of 0/1 a class,
    otherwise: str | None = None  # and the class where all of them are 0
    patient: str | None = None
    study: str | None = None
    body_part: str | None = None
    view: str | None = None
    split: str | None = None


class NpzReader(Table):
    """MedMNIST's layout: `train_images`, `train_labels` ..., or `images`, `labels`; `groups`, `ids`, `class_names` optional."""

    reader: Literal["npz"]
    file: str
    outside: bool = False  # whether it may read files outside the data folder
    class_names: list[str] = []


class TfdsReader(Table):
    """A classification set of TensorFlow Datasets, downloaded or already in `<data folder>/tensorflow_datasets`."""

    reader: Literal["tfds"]
    dataset: str
    splits: dict[str, str] = {"train": "train", "test": "test"}
    image: str = "image"
    label: str = "label"
    patient: str | None = None
    download: bool = True


class PhantomReader(Table):
    """Synthetic radiographs, made rather than read: see `indomain.data.images.phantom`."""

    reader: Literal["phantom"]
    patients: int = Field(default=200, ge=2)  # for each body part
    seed: int = 0


Reader = Annotated[
    FolderReader | CsvReader | NpzReader | TfdsReader | PhantomReader,
    Field(discriminator="reader"),
]


class ImageOptions(Table):
    """How a picture of any shape becomes one of the recipe's size."""

    fit: Literal["pad", "crop", "stretch"] = "pad"
    channels: Literal["auto", "grey", "rgb"] = "auto"


class PatchOptions(Table):
    """Cuts each picture, at its full size, into square patches; each patch is an image of the set, with its label."""

    size: int = Field(ge=8)  # side in pixels of the picture as it is
    stride: int = Field(default=0, ge=0)  # from one patch to the next; 0: size, without overlap
    blank: float = Field(default=1.0, gt=0, le=1)  # patches with a larger share of nearly white pixels are left out


class LabelOptions(Table):
    """Which labels are used, how they are merged, and which class is the positive one."""

    classes: dict[str, list[str]] = {}  # new class = [labels as read]; labels not named are left out
    positive: str | None = None

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> "LabelOptions":
        if self.positive and self.classes and self.positive not in self.classes:
            raise ValueError(f"the positive class {self.positive!r} is none of {', '.join(self.classes)}")
        seen: dict[str, str] = {}
        for name, labels in self.classes.items():
            for label in labels:
                if label in seen:
                    raise ValueError(f"label {label!r} stands in two classes, {seen[label]!r} and {name!r}")
                seen[label] = name
        return self


class Manifest(Table):
    """One data set. `counts[subset][split][class]` are the numbers of images of a complete copy."""

    name: FileName
    title: str
    citation: str = ""
    licence: str = "not stated"
    get: str = ""  # where to get it, and where to put it
    notes: str = ""
    synthetic: bool = False
    stand_in: bool = False  # reduced or partial copy: labelled so wherever its numbers appear
    strict_files: bool = False  # one unreadable image stops the run instead of being left out
    patients_of: str = ""  # another set with the same patient or lesion numbers
    # A column whose values name subsets: mura/humerus, mura/elbow+hand, mura/all-but-humerus, mura/all-but-humerus+wrist.
    subset_by: str | None = None
    other_versions: dict[str, str] = {}  # folders of other versions, and what is different there
    split_names: dict[str, str] = {}  # the set's own words for train, val and test
    read: Reader
    images: ImageOptions = ImageOptions()
    patches: PatchOptions | None = None
    labels: LabelOptions = LabelOptions()
    counts: dict[str, dict[str, dict[str, int]]] = {}

    @model_validator(mode="after")
    def _subset_is_a_column(self) -> "Manifest":
        if self.subset_by and self.subset_by not in COLUMNS:
            raise ValueError(f"subset_by is one of {', '.join(COLUMNS)}")
        return self

    @model_validator(mode="after")
    def _drawn_pictures_are_not_cut(self) -> "Manifest":
        if self.patches and isinstance(self.read, PhantomReader):
            raise ValueError("patches are cut from pictures in files; a phantom is drawn at the size asked for")
        return self

    def expected_counts(self, subset: str = "") -> dict[str, dict[str, int]]:
        """Images for each split and class of a subset; those of `all-but-X` are summed from the others."""
        if not subset:
            return self.counts.get("all") or _added(list(self.counts.values()))
        named = subset.removeprefix("all-but-").split("+")
        if subset.startswith("all-but-"):
            return _added([counts for name, counts in self.counts.items() if name not in (*named, "all")])
        return _added([self.counts.get(name, {}) for name in named])


def _added(tables: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for table in tables:
        for split, classes in table.items():
            for name, number in classes.items():
                total.setdefault(split, {}).setdefault(name, 0)
                total[split][name] += number
    return total


def manifest_names() -> list[str]:
    """The shipped manifests."""
    return sorted(path.stem for path in shipped("data_manifests").glob("*.toml"))


def load_manifest(reference: str, beside: Path | None = None) -> tuple[Manifest, str]:
    """The manifest and subset that `name[/subset]` or `path/to/manifest.toml[:subset]` names.

    Args:
        reference: a shipped manifest's name, or the path of a TOML file (relative to `beside`, then to the current
            folder); the subset follows a slash after a name, a colon after a path.
        beside: the folder of the recipe that asks.

    Raises:
        RequestError: no such manifest or file, or a key in it that is wrong.
    """
    name, _, subset = reference.partition("/")
    if ".toml" in reference:
        path_text, _, subset = reference.partition(".toml")
        subset = subset.removeprefix(":")
        candidates = [Path(folder) / f"{path_text}.toml" for folder in ([beside] if beside else []) + [Path()]]
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            raise RequestError(f"no manifest {path_text}.toml. `indomain data new FOLDER` writes one for a folder.")
    else:
        path = shipped("data_manifests") / f"{name}.toml"
        if not path.is_file():
            raise unknown("data set", name, manifest_names())
    manifest = validated(Manifest, read_toml(path), str(path))
    if subset and not manifest.subset_by:
        raise RequestError(f"{path}: {reference!r} asks for a subset, but the manifest names no subset_by column.")
    return manifest, subset
