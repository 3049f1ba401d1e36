"""The objectives by name, each with its options. This file imports no Keras, so that recipes are checked at once."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from indomain.training.options import LearningOptions, TrainingOptions


class SimCLROptions(LearningOptions):
    """Chen et al. 2020 (arXiv:2002.05709); their temperature for small batches and their projection's width."""

    batch: int = Field(default=128, ge=2)
    augment: str = "contrastive"
    temperature: float = Field(default=0.5, gt=0)
    projection: int = Field(default=128, ge=2)


class RotationOptions(LearningOptions):
    """Gidaris et al. 2018 (arXiv:1803.07728)."""

    copies: int = Field(default=4, ge=1, le=4)  # how many of the four turns of a picture stand in a batch (theirs: 4)


class PseudoLabelOptions(LearningOptions):
    """Caron et al. 2018 (arXiv:1807.05520); they take ten times as many clusters as there are classes."""

    augment: str = "basic"
    clusters: int = Field(default=20, ge=2)
    every: int = Field(default=2, ge=1)  # epochs between two assignments
    components: int = Field(default=64, ge=1)  # features that are clustered, after PCA (theirs: 256)


class AutoencoderOptions(LearningOptions):
    """Vincent et al. 2010 (JMLR 11), with Gaussian noise."""

    noise: float = Field(default=0.15, ge=0, le=1)  # standard deviation, as a share of the range of values
    width: int = Field(default=32, ge=4)  # filters of the decoder's last layers


class MaskedOptions(LearningOptions):
    """Xie et al. 2022 (SimMIM, arXiv:2111.09886): 0.6 masked in patches of 32 pixels of 192."""

    masked: float = Field(default=0.6, gt=0, lt=1)  # share of the patches
    patch: float = Field(default=1 / 6, gt=0, le=0.5)  # side of a patch, as a share of the picture's shorter side
    width: int = Field(default=32, ge=4)  # filters of the decoder's last layers


@dataclass(frozen=True)
class Objective:
    function: str  # "module:function", called with a `PretrainingStep`; returns facts for the run's record
    options: type[LearningOptions]
    # What it reads beside the images: the source's labels, where an image came from, or nothing.
    reads: Literal["labels", "origins", ""] = ""


OBJECTIVES = {
    "supervised": Objective("pretrain.supervised:pretrain", TrainingOptions, reads="labels"),
    "source-labels": Objective("pretrain.source_labels:pretrain", TrainingOptions, reads="origins"),
    "simclr": Objective("pretrain.simclr:pretrain", SimCLROptions),
    "rotation": Objective("pretrain.rotation:pretrain", RotationOptions),
    "pseudo-labels": Objective("pretrain.pseudo_labels:pretrain", PseudoLabelOptions),
    "autoencoder": Objective("pretrain.autoencoder:pretrain", AutoencoderOptions),
    "masked": Objective("pretrain.masked:pretrain", MaskedOptions),
}
