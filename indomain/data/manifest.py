"""Manifests: one TOML file per data set that describes it and how its files are read, shipped or written by the user.

name = "mura"                                   # the name that recipes use
[read]                                          # how image, label, patient and split are found
reader = "folder"
root = "MURA-v1.1"                              # relative to the data folder
pattern = "{split}/XR_{body_part}/{patient}/{study}_{label}/{view}.png"
[counts.humerus.test]                           # what a complete copy holds: subset, split, class
abnormal = 140
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from indomain.errors import RequestError, unknown
from indomain.files import shipped
from indomain.toml import Table, read_toml, validated

COLUMNS = ("label", "patient", "study", "body_part", "view", "split")
# Text that becomes part of a file name: letters and digits of any script and "_", and between them also " ", ".", "+", "-".
FileName = Annotated[str, Field(pattern=r"^\w([\w .+-]*\w)?$", max_length=80)]

UNKNOWN = "unknown"
# Names of the data sets and archives that published weights were trained on, as in `name` and `part_of`; or "unknown".
TrainedOn = Annotated[
    list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value), Field(min_length=1)
]


class FolderReader(Table):
    """Reads class folders (`[split/]class/.../image`), or paths that match a pattern with `{label}`, `{patient}` ..."""

    reader: Literal["folder"]  # selects this reader
    root: str = "."  # folder of the images, relative to the data folder
    outside: bool = False  # whether files outside the data folder may be read
    # Path pattern below the root. `{column}` matches within one folder or file name; `{column:REGEX}` matches anything else.
    pattern: str | None = None
    suffixes: list[str] = [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm"]  # files to read, in lower case
    labelled: bool = True  # false: read every image below the root, without labels
    # Path of an image's mask below the root, white on the abnormality: "masks/{stem}.png", "{folder}/{stem}_mask.png".
    masks: str = ""


class ImageTable(Table):
    """One CSV file and the images that it lists."""

    file: str  # the CSV file, relative to the root
    # Path of an image below the root, from the columns: "train/{image}.jpg". `*` stands for any part of a name: "{image}_*.dcm"
    # is the one file that begins so; its whole path is a further column, `file`, that can hold the patient.
    images: str = "{image}"
    masks: str = ""  # path of its mask, white on the abnormality, likewise, but without `*`; it can name {file}
    columns: list[str] = []  # names of the columns, if the file has no header line
    join: str = ""  # a second table about the same images (lesions, patients), with the same `image` column
    split: str | None = None  # the official split of all images in this table


class CsvReader(Table):
    """Reads CSV files that have columns for image, label, patient and split."""

    reader: Literal["csv"]  # selects this reader
    root: str = "."  # folder of tables and images, relative to the data folder
    outside: bool = False  # whether files outside the data folder may be read
    tables: list[ImageTable]  # the CSV files
    separator: str = Field(default=",", min_length=1, max_length=1)  # between the cells of a line
    image: str = "image"  # column that names the image
    label: str | None = None  # column of the label, as text ...
    label_columns: list[str] = []  # ... or one column of 0 and 1 per class
    otherwise: str | None = None  # with `label_columns`: the class of rows in which all of them are 0
    patient: str | None = None  # column of the patient
    patient_pattern: str = ""  # regular expression whose first group is the patient in that column's text: "^(\\d+)_"
    study: str | None = None  # column of the study
    body_part: str | None = None  # column of the body part
    view: str | None = None  # column of the view
    split: str | None = None  # column of the official split


class NpzReader(Table):
    """Reads a NumPy archive in MedMNIST's layout; see `indomain.data.readers.npz` for its arrays."""

    reader: Literal["npz"]  # selects this reader
    file: str  # the archive, relative to the data folder
    outside: bool = False  # whether files outside the data folder may be read
    class_names: list[str] = []  # names of the classes 0, 1, 2 ..., instead of those in the archive


class MatReader(Table):
    """Reads MATLAB 7.3 files, one per image, which are HDF5: arrays are stored transposed, text as the codes of its letters."""

    reader: Literal["mat"]  # selects this reader
    root: str = "."  # folder of the files, relative to the data folder; subfolders are searched
    outside: bool = False  # whether files outside the data folder may be read
    image: str  # path of the image within a file: "cjdata/image"
    label: str  # of the label, a number
    patient: str = ""  # of the patient, as text
    mask: str = ""  # of the mask, not 0 on the abnormality
    # A file below the root, and the array in it, with the number of the fold of each image by the number in its name, from 1:
    # "cvind.mat:cvind". Splits can follow it (scheme = "published"); without the file there are no such folds.
    folds: str = ""
    but: list[str] = []  # names of files below the root that are not images


class TfdsReader(Table):
    """Reads a classification set of TensorFlow Datasets from `<data folder>/tensorflow_datasets`."""

    reader: Literal["tfds"]  # selects this reader
    dataset: str  # its name in TensorFlow Datasets, with an optional configuration and version
    splits: dict[str, str] = {"train": "train", "test": "test"}  # our split = its name in TensorFlow Datasets
    image: str = "image"  # feature that holds the image
    label: str = "label"  # feature that holds the label
    patient: str | None = None  # feature that holds the patient
    patient_pattern: str = ""  # regular expression whose first group is the patient in that feature's text: "^(\\d+)_"
    download: bool = True  # download and prepare the set if it is not there yet


class ScannerOptions(Table):
    """The device that takes a phantom's radiographs; see `indomain.data.images.phantom.Scanner`."""

    dose: float = Field(default=1.0, gt=0, le=100)  # relative to the usual one: less dose, more noise
    contrast: float = Field(default=1.0, gt=0, le=10)  # factor on the distance from mid-grey
    collimation: float = Field(default=0.0, ge=0, le=0.4)  # share of the image that is dark at each side


class PhantomReader(Table):
    """Draws synthetic radiographs instead of reading files; see `indomain.data.images.phantom`."""

    reader: Literal["phantom"]  # selects this reader
    patients: int = Field(default=200, ge=2)  # patients per body part
    seed: int = 0  # seed of all random numbers
    abnormal: float = Field(default=0.5, gt=0, lt=1)  # share of the studies that are abnormal
    scanner: ScannerOptions = ScannerOptions()  # the device


Reader = Annotated[
    FolderReader | CsvReader | NpzReader | MatReader | TfdsReader | PhantomReader,
    Field(discriminator="reader"),
]


class ImageOptions(Table):
    """How images of any shape are resized to the size that the recipe asks for."""

    fit: Literal["pad", "crop", "stretch"] = "pad"  # pad with black, crop to the centre, or stretch to the target shape
    channels: Literal["auto", "grey", "rgb"] = "auto"  # "auto": grey if every image is grey, else RGB
    # "n-clahe": stretched to all grey values, then equalised piece by piece, after resizing.
    contrast: Literal["as it is", "n-clahe"] = "as it is"
    # Of a file with several frames, pages or slices: the first, the middle one, or all, each of them an image of its own that
    # stays with the others of its file.
    frames: Literal["first", "middle", "all"] = "first"


class PatchOptions(Table):
    """Cuts each image, at full size, into square patches; each patch becomes an image of the set, with the same label."""

    size: int = Field(ge=8)  # side of a patch, in pixels of the original image
    stride: int = Field(default=0, ge=0)  # distance between neighbouring patches in pixels; 0: size, so without overlap
    blank: float = Field(default=1.0, gt=0, le=1)  # leave out patches with a larger share of nearly white pixels


class LabelOptions(Table):
    """Which labels are used, how they are merged, and which class is the positive one."""

    classes: dict[
        str, list[str]
    ] = {}  # class = [labels as read]; labels not listed are left out; empty: one class per label
    positive: str | None = None  # the positive class

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> "LabelOptions":
        if self.positive and self.classes and self.positive not in self.classes:
            raise ValueError(f"the positive class {self.positive!r} is not one of {', '.join(self.classes)}")
        seen: dict[str, str] = {}
        for name, labels in self.classes.items():
            for label in labels:
                if label in seen:
                    raise ValueError(f"label {label!r} is in two classes, {seen[label]!r} and {name!r}")
                seen[label] = name
        return self


class Manifest(Table):
    """One data set."""

    name: FileName  # the name that recipes use
    title: str  # the name for people
    citation: str = ""  # the publication to cite
    licence: str = "not stated"  # the licence of the images
    get: str = ""  # where to get the set, and where to put it
    notes: str = ""  # anything else a user should know
    synthetic: bool = False  # whether the images are synthetic; results on them are marked as such
    stand_in: bool = False  # whether this is a reduced or partial copy; results on it are marked as such
    strict_files: bool = False  # whether an unreadable image stops the run instead of being left out
    patients_of: str = ""  # another set that uses the same patient or lesion numbers
    part_of: list[
        str
    ] = []  # archives or sets that its images come from: published weights may have been trained on them
    # A column whose values name subsets: mura/humerus, mura/elbow+hand, mura/all-but-humerus, mura/all-but-humerus+wrist.
    subset_by: str | None = None
    other_versions: dict[str, str] = {}  # folder of another version = what is different there
    split_names: dict[str, str] = {}  # the set's name for a split = "train", "val" or "test"
    # Further columns about the images: of a CSV table, or {names} in a folder's path pattern. Subgroups of a target (by) and
    # `where` can use them.
    more: list[str] = []
    read: Reader  # how image, label, patient and split are found
    images: ImageOptions = ImageOptions()  # how images are resized
    patches: PatchOptions | None = None  # how images are cut into patches
    labels: LabelOptions = LabelOptions()  # the classes, unless a recipe names others
    counts: dict[str, dict[str, dict[str, int]]] = {}  # images in a complete copy, by subset, split and label
    total: int | None = Field(default=None, ge=1)  # images in a complete copy, where they are not counted by label

    @model_validator(mode="after")
    def _subset_is_a_column(self) -> "Manifest":
        if self.subset_by and self.subset_by not in COLUMNS:
            raise ValueError(f"subset_by must be one of {', '.join(COLUMNS)}")
        return self

    @model_validator(mode="after")
    def _more_columns_are_new(self) -> "Manifest":
        known = (
            *COLUMNS,
            "id",
            "file",
            "row",
            "set",
            "numbers",
            "origin",
            "source_image",
            "sha256",
            "image",
            "group",
            "y",
        )
        for name in self.more:
            if name in known or not name.isidentifier():
                raise ValueError(
                    f"more: {name!r} is not a new column's name: letters, digits and _, and none of {', '.join(known)}"
                )
        if self.more and not isinstance(self.read, FolderReader | CsvReader):
            raise ValueError("more: only the readers folder and csv find further columns")
        return self

    @model_validator(mode="after")
    def _drawn_images_are_not_cut(self) -> "Manifest":
        if self.patches and isinstance(self.read, PhantomReader):
            raise ValueError("patches are cut from image files; a phantom is drawn at the size asked for")
        return self

    def expected_counts(self, subset: str = "") -> dict[str, dict[str, int]]:
        """Returns the number of images per split and label in a complete copy: {split: {label: images}}.

        Args:
            subset: as in `PreparedSet.subset`; "" for the complete set. The counts of `all-but-X` are the sum of those of
                the other subsets.
        """
        if not subset:
            return self.counts.get("all") or _sum_of(list(self.counts.values()))
        names = subset.removeprefix("all-but-").split("+")
        if subset.startswith("all-but-"):
            return _sum_of([counts for name, counts in self.counts.items() if name not in (*names, "all")])
        return _sum_of([self.counts.get(name, {}) for name in names])


def _sum_of(tables: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for table in tables:
        for split, classes in table.items():
            for name, number in classes.items():
                total.setdefault(split, {}).setdefault(name, 0)
                total[split][name] += number
    return total


def manifest_names() -> list[str]:
    """Returns the names of the manifests that ship with the package, sorted."""
    return sorted(path.stem for path in shipped("data_manifests").glob("*.toml"))


def load_manifest(reference: str, beside: Path | None = None) -> tuple[Manifest, str]:
    """Loads the manifest that `name[/subset]` or `path/to/manifest.toml[:subset]` refers to.

    Args:
        reference: the name of a shipped manifest, or the path of a TOML file. The subset follows after a slash or, after a
            path, after a colon.
        beside: the folder of the recipe; a relative path is looked for there first, then in the current folder.

    Returns:
        The manifest, and the subset or "".

    Raises:
        RequestError: if there is no such manifest or file, it is invalid, or it has no subsets.
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
