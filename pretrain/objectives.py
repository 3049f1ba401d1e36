"""The objectives by name, each with its options. This file imports no Keras, so that checking a recipe is fast."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from indomain.training.options import Auxiliary, LearningOptions, TrainingOptions


class DeeplySupervisedOptions(TrainingOptions):
    """[pretrain.deeply-supervised], after Lei et al. 2018, who do not say which layers have heads."""

    # Layer -> weight of the loss of its own head: auxiliary = { conv3_block4_out = 0.3 }.
    auxiliary: Auxiliary = {}


class SimCLROptions(LearningOptions):
    """[pretrain.simclr], after Chen et al. 2020 (arXiv:2002.05709): their temperature for small batches, their projection."""

    # Images per batch; every image is compared with all others of its batch.
    batch: int = Field(default=128, ge=2)
    # The augmentation that creates the two views of an image.
    augment: str = "contrastive"
    # Divides the cosine similarities before the softmax.
    temperature: float = Field(default=0.5, gt=0)
    # Units in each layer of the projection head.
    projection: int = Field(default=128, ge=2)


class RotationOptions(LearningOptions):
    """[pretrain.rotation], after Gidaris et al. 2018 (arXiv:1803.07728)."""

    # How many of an image's four rotations are in a batch (4 in the paper).
    copies: int = Field(default=4, ge=1, le=4)


class PseudoLabelOptions(LearningOptions):
    """[pretrain.pseudo-labels], after Caron et al. 2018 (arXiv:1807.05520)."""

    # The augmentation while the clusters are learnt.
    augment: str = "basic"
    # Each assignment brings a new head, which a rate that has fallen could no longer teach.
    schedule: Literal["cosine", "constant"] = "constant"
    # Number of clusters; the paper advises ten times as many as there are classes.
    clusters: int = Field(default=20, ge=2)
    # Number of epochs between two assignments to clusters.
    every: int = Field(default=2, ge=1)
    # Number of principal components of the features that are clustered (256 in the paper).
    components: int = Field(default=64, ge=1)


class AutoencoderOptions(LearningOptions):
    """[pretrain.autoencoder], after Vincent et al. 2010 (JMLR 11:3371), with Gaussian noise."""

    # Standard deviation of the noise, as a share of the range of values.
    noise: float = Field(default=0.15, ge=0, le=1)
    # Filters of the decoder's last hidden layers.
    width: int = Field(default=32, ge=4)


class MaskedOptions(LearningOptions):
    """[pretrain.masked], after Xie et al. 2022 (SimMIM, arXiv:2111.09886): 0.6 masked in patches of 32 pixels of 192."""

    # Share of the patches that is hidden.
    masked: float = Field(default=0.6, gt=0, lt=1)
    # Side of a patch, as a share of the image's shorter side.
    patch: float = Field(default=1 / 6, gt=0, le=0.5)
    # Filters of the decoder's last hidden layers.
    width: int = Field(default=32, ge=4)


class SegmentationOptions(LearningOptions):
    """[pretrain.segmentation], after Wong et al. 2018 (arXiv:1808.05205)."""

    # The augmentation, of image and mask together; it must not change colours.
    augment: Literal["none", "basic", "elastic"] = "basic"
    # Filters of the decoder's last hidden layers.
    width: int = Field(default=32, ge=4)


class BoltzmannOptions(LearningOptions):
    """[pretrain.rbm], after Lee et al. 2009 (ICML), who ask for few active hidden units."""

    # Share of the hidden units that should be on.
    sparsity: float = Field(default=0.1, gt=0, lt=1)
    # Weight of the squared distance from it.
    sparsity_cost: float = Field(default=1.0, ge=0)


@dataclass(frozen=True)
class Objective:
    """A way to learn from a source.

    Attributes:
        function: "module:function", called with a `PretrainingStep`; returns facts for the run's record.
        options: the model of its table [pretrain.<name>].
        reads: what it reads besides the images: "labels" of the source, "origins" (where an image came from), "masks" where the
            source has some, or "".
    """

    function: str
    options: type[LearningOptions]
    reads: Literal["labels", "origins", "masks", ""] = ""


OBJECTIVES = {
    "supervised": Objective("pretrain.supervised:pretrain", TrainingOptions, reads="labels"),
    "deeply-supervised": Objective("pretrain.deeply_supervised:pretrain", DeeplySupervisedOptions, reads="labels"),
    "source-labels": Objective("pretrain.source_labels:pretrain", TrainingOptions, reads="origins"),
    "simclr": Objective("pretrain.simclr:pretrain", SimCLROptions),
    "rotation": Objective("pretrain.rotation:pretrain", RotationOptions),
    "pseudo-labels": Objective("pretrain.pseudo_labels:pretrain", PseudoLabelOptions),
    "autoencoder": Objective("pretrain.autoencoder:pretrain", AutoencoderOptions),
    "masked": Objective("pretrain.masked:pretrain", MaskedOptions),
    "rbm": Objective("pretrain.rbm:pretrain", BoltzmannOptions),
    "segmentation": Objective("pretrain.segmentation:pretrain", SegmentationOptions, reads="masks"),
}
