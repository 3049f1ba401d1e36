"""The recipe's keys for a network. Imports no Keras, so that checking a recipe is fast."""

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
        width: factor on the number of filters of `dcnn` and `dcnn-light`.
        shape: (rows, columns, channels) of the images.
        size: side in pixels of the square that the network resizes images to; None: no resizing.
    """

    name: str
    width: float
    shape: tuple[int, int, int]
    size: int | None = None

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Architecture":
        """The architecture that `to_params` wrote.

        Args:
            params: the architecture in a task's parameters.
        """
        rows, columns, channels = params["shape"]
        return cls(params["name"], params["width"], (rows, columns, channels), params.get("size"))

    def to_params(self) -> dict[str, Any]:
        """The architecture as JSON, for a task's parameters."""
        size = {"size": self.size} if self.size else {}
        return {"name": self.name, "width": self.width, "shape": list(self.shape), **size}

    @property
    def channels(self) -> int:
        """The number of colour channels of the images."""
        return self.shape[-1]


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

    @property
    def label(self) -> str:
        """The name in the table, such as "squeezenet", "dcnn-w0.25" or "resnet50-224px"."""
        width = "" if self.width == 1 else f"-w{self.width:g}"
        return f"{self.name}{width}{f'-{self.size}px' if isinstance(self.size, int) else ''}"

    @property
    def side(self) -> int | None:
        """`size` in pixels, with "own" resolved; None: no resizing."""
        return OWN_SIZE[self.name] if self.size == "own" else self.size
