"""Weights manifests: one TOML file per published weights file. Nothing is downloaded; the file is the user's to get.

title = "Our ResNet50, trained on chest radiographs"
architecture = "resnet50"                       # a backbone
file = "chest-resnet50.h5"                      # in DATA/weights or, for a manifest of your own, beside it
trained_on = ["nih-chest-xray"]
[input]                                         # or several [conventions.NAME], if what is published disagrees
scaling = "caffe"
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from indomain import files
from indomain.data.manifest import TrainedOn
from indomain.errors import RequestError, unknown
from indomain.networks.backbones import BACKBONES, SCALABLE, VISION_TRANSFORMERS
from indomain.networks.backbones.scaling import SCALINGS, Scaling
from indomain.toml import Table, read_toml, validated

PREFIX = "weights:"  # of a chain that starts from a manifest
SUFFIXES = (".h5", ".keras", ".safetensors")
FOLDER = "weights"  # inside the data folder, for the files of shipped manifests

_Channels = tuple[float, float, float]


class Convention(Table):
    """How images are brought to a network: by the name of a scaling, or by mean and deviation of each channel."""

    # "caffe": BGR minus ImageNet's mean; "tf": −1 … 1; "torch": ImageNet's mean and deviation; "unit": 0 … 1.
    scaling: Literal["caffe", "tf", "torch", "unit"] | None = None
    # The order of the channels, where mean and std are given.
    order: Literal["rgb", "bgr"] = "rgb"
    # Subtracted from values 0–255, per channel in that order.
    mean: _Channels | None = None
    # Divides what is left, likewise.
    std: _Channels | None = None
    # Where this is published.
    source: str = ""

    @field_validator("std")
    @classmethod
    def _divides(cls, value: _Channels | None) -> _Channels | None:
        if value and min(value) <= 0:
            raise ValueError("every std must be above 0")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "Convention":
        by_numbers = self.mean is not None and self.std is not None
        if (self.scaling is None) != by_numbers or (self.scaling and self.model_fields_set & {"mean", "std", "order"}):
            raise ValueError(
                'give either scaling = "caffe", "tf", "torch" or "unit", or mean and std of each channel with values 0–255'
            )
        return self

    @property
    def as_scaling(self) -> Scaling:
        """The same as numbers."""
        if self.scaling:
            return SCALINGS[self.scaling]
        assert self.mean and self.std
        return Scaling(self.order, self.mean, self.std)

    def __str__(self) -> str:
        scaling = self.as_scaling
        numbers = [", ".join(f"{value:g}" for value in values) for values in (scaling.mean, scaling.deviation)]
        return f"{scaling.order.upper()}, (value − ({numbers[0]})) / ({numbers[1]})"


class WeightsManifest(Table):
    """One published weights file."""

    # The name for people.
    title: str
    # The publication to cite.
    citation: str = ""
    # The licence of the weights, and where it is stated.
    licence: str = "not stated"
    # Whether one has to ask for the file.
    gated: bool = False
    # Where to get it.
    get: str = ""
    # Anything else a user should know.
    notes: str = ""
    # The file's name.
    file: str
    # Its length, where it is published or has been seen.
    bytes: int | None = Field(default=None, ge=1)
    # Its SHA-256, likewise; what a run reads is recorded in any case.
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    # The backbone whose weights it holds.
    architecture: str
    # The images' side that it was trained with, in pixels; for information.
    side: int | None = Field(default=None, ge=8)
    # How feature maps become features. This package's networks average them; other models enter by a features file.
    pooling: Literal["mean"] = "mean"
    # Data sets and archives that it was trained on.
    trained_on: TrainedOn
    # How images are brought to it ...
    input: Convention | None = None
    # ... or, where what is published disagrees, each way by a name, of which the chain chooses one.
    conventions: dict[str, Convention] = {}

    @field_validator("architecture")
    @classmethod
    def _scalable(cls, value: str) -> str:
        if value not in SCALABLE:
            if value in BACKBONES:
                raise ValueError(f"{value!r} has a scaling of its own only; possible are {', '.join(sorted(SCALABLE))}")
            raise unknown("backbone", value, SCALABLE)
        return value

    @field_validator("file")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value.endswith((".pth", ".pt", ".bin", ".ckpt")):
            raise ValueError(
                "PyTorch's files can run code when they are opened, and are not read. Use .safetensors where the authors "
                "offer it, convert the file, or compute features with the authors' code: docs/beginnings.md"
            )
        if not value.endswith(SUFFIXES):
            raise ValueError(f"a weights file ends in {', '.join(SUFFIXES)}")
        return value

    @model_validator(mode="after")
    def _says_how_images_enter(self) -> "WeightsManifest":
        if (self.input is None) == (not self.conventions):
            raise ValueError("give [input], or [conventions.NAME] for each way where what is published disagrees")
        return self

    @model_validator(mode="after")
    def _format_goes_with_the_network(self) -> "WeightsManifest":
        if (self.architecture in VISION_TRANSFORMERS) != self.file.endswith(".safetensors"):
            raise ValueError(
                f"{', '.join(VISION_TRANSFORMERS)} read .safetensors, the others .h5 and .keras; {self.file} is not for "
                f"{self.architecture!r}"
            )
        return self


@dataclass(frozen=True)
class ChosenWeights:
    """A manifest with one of its conventions.

    Attributes:
        manifest: the manifest.
        name: its name, for people.
        convention: how images are brought to the network.
        folder: the folder of the manifest, or None if it is shipped.
    """

    manifest: WeightsManifest
    name: str
    convention: Convention
    folder: Path | None

    def path(self, data_dir: Path) -> Path:
        """The weights file, whose length and SHA-256 have been checked where the manifest has them.

        Args:
            data_dir: the folder that holds the data sets.

        Raises:
            RequestError: there is no such file, or it is another one.
        """
        manifest = self.manifest
        path = (self.folder or data_dir / FOLDER) / manifest.file
        if not path.is_file():
            gated = " Access must be requested." if manifest.gated else ""
            raise RequestError(f"the weights {self.name!r} are not at {path}. {manifest.get}{gated}".rstrip())
        if manifest.bytes and path.stat().st_size != manifest.bytes:
            raise RequestError(
                f"{path} has {path.stat().st_size:,} bytes, not {manifest.bytes:,}: it is cut off or another file. Get it again."
            )
        if manifest.sha256 and (digest := files.file_sha256(path)) != manifest.sha256:
            raise RequestError(
                f"{path} has the SHA-256 {digest}, not {manifest.sha256}: it is another file. Get it again."
            )
        return path


def names() -> list[str]:
    """The names of the shipped manifests, sorted."""
    return sorted(path.stem for path in files.shipped("weights").glob("*.toml"))


def manifest_of(name: str) -> WeightsManifest:
    """A shipped manifest.

    Args:
        name: one of `names`.
    """
    path = files.shipped("weights") / f"{name}.toml"
    return validated(WeightsManifest, read_toml(path), str(path))


def load(reference: str, beside: Path | None = None) -> ChosenWeights:
    """Loads the manifest that `weights:NAME[:CONVENTION]` or `weights:PATH.toml[:CONVENTION]` refers to.

    Args:
        reference: the first word of a chain.
        beside: the folder of the recipe; a relative path is looked for there first, then in the current folder.

    Raises:
        RequestError: there is no such manifest, it is invalid, or its convention is not chosen or unknown.
    """
    given = reference.removeprefix(PREFIX)
    if ".toml" in given:
        text, _, rest = given.partition(".toml")
        name, convention = f"{text}.toml", rest.removeprefix(":")
        folders = ([beside] if beside else []) + [Path()]
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is None:
            raise RequestError(f"no weights manifest {name}. docs/beginnings.md has one to start from.")
        folder: Path | None = path.parent
    else:
        name, _, convention = given.partition(":")
        path, folder = files.shipped("weights") / f"{name}.toml", None
        if not path.is_file():
            raise unknown("weights", name, [*names(), "PATH.toml"])
    manifest = validated(WeightsManifest, read_toml(path), str(path))
    if manifest.input:
        if convention:
            raise RequestError(f"{reference}: {path} has one convention only; leave {convention!r} out.")
        return ChosenWeights(manifest, name, manifest.input, folder)
    if convention not in manifest.conventions:
        ways = "".join(f"\n  {PREFIX}{name}:{key}    {way}; {way.source}" for key, way in manifest.conventions.items())
        raise RequestError(
            f"{reference}: what is published about the input of {manifest.title} disagrees, and the file does not say it. "
            f"Choose one, by the code that you have the file from:{ways}"
        )
    return ChosenWeights(manifest, f"{name}:{convention}", manifest.conventions[convention], folder)
