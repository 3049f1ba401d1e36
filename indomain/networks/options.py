"""What of a network a recipe chooses. This file imports no Keras, so that recipes are checked at once."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from indomain.networks.backbones import LEAST_WIDTH, OWN_SIZE
from indomain.toml import Table


@dataclass(frozen=True)
class Architecture:
    """A backbone before it has weights.

    Args:
        name: a key of `indomain.networks.backbones.BACKBONES`.
        width: multiplies the filters of `dcnn` and `dcnn-light`.
        shape: (rows, columns, channels) of the images.
        size: side in pixels of the square that the network resizes images to; None: it takes them as they are.
    """

    name: str
    width: float
    shape: tuple[int, int, int]
    size: int | None = None

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Architecture":
        """The architecture that `to_params` wrote."""
        rows, columns, channels = params["shape"]
        return cls(params["name"], params["width"], (rows, columns, channels), params.get("size"))

    def to_params(self) -> dict[str, Any]:
        """As JSON, for a task's parameters."""
        size = {"size": self.size} if self.size else {}
        return {"name": self.name, "width": self.width, "shape": list(self.shape), **size}

    @property
    def channels(self) -> int:
        return self.shape[-1]


class BackboneOptions(Table):
    """One entry of `backbones` in a recipe."""

    name: str
    width: float = Field(default=1.0, ge=LEAST_WIDTH, le=4)  # multiplies the filters of `dcnn` and `dcnn-light`
    # Side of the square that the network resizes images to, in pixels; "own": what it was trained on; none: as they are.
    size: Annotated[int, Field(ge=8, le=1024)] | Literal["own"] | None = None
    chains: list[str] = []  # those of a target's chains that it runs; empty: all

    @property
    def label(self) -> str:
        """As the table prints it: "squeezenet", "dcnn-w0.25", "resnet50-224px"."""
        width = "" if self.width == 1 else f"-w{self.width:g}"
        return f"{self.name}{width}{f'-{self.size}px' if isinstance(self.size, int) else ''}"

    @property
    def side(self) -> int | None:
        """`size` in pixels, "own" looked up."""
        return OWN_SIZE[self.name] if self.size == "own" else self.size
