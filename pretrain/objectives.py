"""The objectives by name, each with its options. This file imports no Keras, so that recipes are checked at once."""

from dataclasses import dataclass

from pydantic import Field

from indomain.recipes import TrainingOptions


class SimCLROptions(TrainingOptions):
    """Chen et al. 2020 (arXiv:2002.05709); their temperature for small batches and their projection's width."""

    batch: int = Field(default=128, ge=2)
    augment: str = "contrastive"
    temperature: float = Field(default=0.5, gt=0)
    projection: int = Field(default=128, ge=2)


@dataclass(frozen=True)
class Objective:
    function: str  # "module:function", called as function(backbone, listing, options, seed, folder, note) -> facts
    options: type[TrainingOptions]
    labelled: bool  # whether it reads the source's labels


OBJECTIVES = {
    "supervised": Objective("pretrain.supervised:pretrain", TrainingOptions, labelled=True),
    "simclr": Objective("pretrain.simclr:pretrain", SimCLROptions, labelled=False),
}
