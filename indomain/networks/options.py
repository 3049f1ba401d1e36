"""The keys of a recipe that describe a backbone."""

from typing import Annotated, Literal

from pydantic import Field

from indomain.networks.backbones import LEAST_WIDTH, OWN_SIZE
from indomain.toml import Table


class BackboneOptions(Table):
    name: str
    width: float = Field(default=1.0, ge=LEAST_WIDTH, le=4)  # multiplies the filters of `dcnn` and `dcnn-light`
    # Side of the square that the network resizes pictures to, in pixels; "own": what it was trained on; none: as they are.
    size: Annotated[int, Field(ge=8, le=1024)] | Literal["own"] | None = None
    chains: list[str] = []  # those of a target's chains that it runs; empty: all

    @property
    def label(self) -> str:
        width = "" if self.width == 1 else f"-w{self.width:g}"
        return f"{self.name}{width}{f'-{self.size}px' if isinstance(self.size, int) else ''}"

    @property
    def side(self) -> int | None:
        """The side in pixels, whatever the word."""
        return OWN_SIZE[self.name] if self.size == "own" else self.size
