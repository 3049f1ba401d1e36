"""The keys of [synthesis]."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model, field_validator

from indomain.errors import unknown
from indomain.toml import Table
from indomain.training.options import LearningOptions
from synthesis.registry import CYCLEGAN, GENERATORS


class PlayersOptions(LearningOptions):
    """How players learn from one another, whatever they are."""

    # Steps of all players together; `epochs` follows from it and is not read.
    steps: int = Field(default=3000, ge=1)
    optimizer: Literal["adamw", "adam", "sgd"] = "adam"
    learning_rate: float = Field(default=2e-4, gt=0, allow_inf_nan=False)
    # The decay of Adam's first moment: at the usual 0.9 the players do not settle.
    beta_1: float = Field(default=0.5, ge=0, lt=1)
    schedule: Literal["cosine", "constant"] = "constant"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    clip: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    augment: str = "basic"

    @property
    def select(self) -> str:
        """The last epoch: a validation loss chooses nothing."""
        return "last"

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """The same: what the papers state are the defaults."""
        return {}


class GANOptions(PlayersOptions):
    """[synthesis.NAME]: how a generator learns. The settings are those of Frid-Adar et al. 2018, but for the number of steps."""

    batch: int = Field(default=64, ge=2)
    # Numbers that an image is made from.
    noise: int = Field(default=100, ge=1)
    # Filters of the generator's smallest maps; each larger map has half as many. The paper's 1,024 takes a GPU.
    width: int = Field(default=1024, ge=16)
    # Decay of the moving average of the generator's weights, where images are made by it.
    average: float = Field(default=0.995, ge=0, lt=1)


class CycleOptions(PlayersOptions):
    """[synthesis.cyclegan]: how translators learn. The settings are those of Zhu et al. 2017, but for the number of steps."""

    batch: int = Field(default=1, ge=1)
    # Filters of the translators' largest maps and of the discriminators' first. The paper's 64 takes a GPU.
    width: int = Field(default=64, ge=4)
    # Residual blocks of a translator: the paper's number for images of 128 pixels.
    blocks: int = Field(default=6, ge=1)
    # Weight of the distance between an image and its translation there and back.
    cycle: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    # Weight, beside it, of the change of an image that is of the wanted kind already; 0: none.
    identity: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    # Whether a translator changes an image only within a mask that it draws (Xu et al. 2019 call it attention).
    masked: bool = True


class Options(Table):
    """[synthesis]; nothing is made where `generators` is empty. The options of each are in a table of its name."""

    # Generators, keys of `synthesis.registry.GENERATORS`, or "cyclegan", which translates images between two classes.
    generators: list[str] = []
    # For the targets with `adapt_from`: "cyclegan" translates the sources' images to the target's look, and networks learn from
    # them.
    adapt: list[str] = []
    # How many images are made, as shares of the training images of each class; each amount has a row.
    amounts: list[Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]] = Field(
        default=[0.5, 1.0], min_length=2, max_length=2
    )
    # "each": each seed has generators of its own, so that intervals hold how they vary; "one": all share those of the first.
    seeds: Literal["one", "each"] = "each"

    @field_validator("generators")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in (*GENERATORS, CYCLEGAN):
                raise unknown("generator", name, (*GENERATORS, CYCLEGAN))
        return value

    @field_validator("adapt")
    @classmethod
    def _translates(cls, value: list[str]) -> list[str]:
        for name in value:
            if name != CYCLEGAN:
                raise unknown("translator", name, [CYCLEGAN], "adapt")
        return value

    @field_validator("amounts")
    @classmethod
    def _two_of_them(cls, value: list[float]) -> list[float]:
        if value[0] >= value[1]:
            raise ValueError("amounts are two, the smaller one first")
        return value


def options_model() -> type[Options]:
    """`Options` with one table per generator."""
    tables: dict[str, Any] = {name: (GANOptions, GANOptions()) for name in GENERATORS}
    tables[CYCLEGAN] = (CycleOptions, CycleOptions())
    return create_model("Options", __base__=Options, **tables)
