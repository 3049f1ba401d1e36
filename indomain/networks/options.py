"""The recipe's keys for a network. Imports no Keras, so that checking a recipe is fast."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from indomain.errors import unknown
from indomain.networks.backbones import BACKBONES, LEAST_WIDTH, OWN_SIZE
from indomain.networks.backbones.scaling import Scaling
from indomain.toml import Table


@dataclass(frozen=True)
class Architecture:
    """A backbone before it has weights.

    Args:
        name: a key of `indomain.networks.backbones.BACKBONES`.
        width: factor on the number of filters of `dcnn` and `dcnn-light`.
        shape: (rows, columns, channels) of the images.
        size: side in pixels of the square that the network resizes images to; None: no resizing.
        scaling: of published weights that a manifest describes; None: the network's own.
    """

    name: str
    width: float
    shape: tuple[int, int, int]
    size: int | None = None
    scaling: Scaling | None = None

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Architecture":
        """The architecture that `to_params` wrote.

        Args:
            params: the architecture in a task's parameters.
        """
        rows, columns, channels = params["shape"]
        scaling = Scaling.of(params["scaling"]) if "scaling" in params else None
        return cls(params["name"], params["width"], (rows, columns, channels), params.get("size"), scaling)

    def to_params(self) -> dict[str, Any]:
        """The architecture as JSON, for a task's parameters."""
        # What is as usual is left out of the digest.
        unusual: dict[str, Any] = {"size": self.size} if self.size else {}
        if self.scaling:
            unusual["scaling"] = self.scaling.to_params()
        return {"name": self.name, "width": self.width, "shape": list(self.shape), **unusual}

    @property
    def channels(self) -> int:
        """The number of colour channels of the images."""
        return self.shape[-1]


def _words_are_names(value: Any) -> Any:
    return [{"name": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


class BackboneOptions(Table):
    """One entry of `backbones` in a recipe."""

    # A key of `indomain.networks.backbones.BACKBONES`.
    name: str
    # Factor on the number of filters of `dcnn` and `dcnn-light`.
    width: float = Field(default=1.0, ge=LEAST_WIDTH, le=4)
    # Side in pixels of the square that the network resizes images to; "own": its ImageNet size; unset: no resizing.
    size: Annotated[int, Field(ge=8, le=1024)] | Literal["own"] | None = None
    # The target's chains that this backbone runs; empty: all.
    chains: list[str] = []
    # The strategies of [finetune] that it is fitted by; empty: all of them.
    strategies: list[str] = []
    # The learning rates that [finetune] tune tries for it, in all its chains; empty: those of tune. What one network needs
    # kills another: at 1e-3 SqueezeNet, which has no batch normalisation, dies, and EfficientNet-Lite0 learns best.
    learning_rate: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = []

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in BACKBONES:
            raise unknown("backbone", value, BACKBONES)
        return value

    @property
    def label(self) -> str:
        """The name in the table, such as "squeezenet", "dcnn-w0.25" or "resnet50-224px"."""
        width = "" if self.width == 1 else f"-w{self.width:g}"
        return f"{self.name}{width}{f'-{self.size}px' if isinstance(self.size, int) else ''}"

    @property
    def side(self) -> int | None:
        """`size` in pixels, with "own" resolved; None: no resizing."""
        return OWN_SIZE[self.name] if self.size == "own" else self.size


def _each_once(backbones: list[BackboneOptions]) -> list[BackboneOptions]:
    labels = [backbone.label for backbone in backbones]
    if len(set(labels)) < len(labels):
        raise ValueError("a backbone is listed twice")
    return backbones


# A recipe's list of backbones, each a name or a table.
Backbones = Annotated[
    list[BackboneOptions],
    BeforeValidator(_words_are_names, json_schema_input_type=list[str | BackboneOptions]),
    AfterValidator(_each_once),
]
