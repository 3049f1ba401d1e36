"""The generators by name. This file imports no Keras, so that checking a recipe is fast."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Generator:
    """A way to make images.

    Attributes:
        of_class: whether each class has a generator of its own; else one learns all classes.
        spectral: whether the discriminator's weights are kept at a norm of 1 (Miyato et al. 2018, arXiv:1802.05957).
        differentiable: whether what the discriminator sees, real and made, is augmented alike, four images of five (Zhao et al.
            2020, arXiv:2006.10738); else only the real images are, before.
        averaged: whether images are made by the moving average of the generator's weights.
        rate: factor on the learning rate of the discriminator; what spectral normalisation slows down (Heusel et al. 2017,
            arXiv:1706.08500).
        doubts_classes: whether the discriminator also tells the classes (Odena et al. 2017, arXiv:1610.09585).
    """

    of_class: bool = True
    spectral: bool = False
    differentiable: bool = False
    averaged: bool = False
    rate: float = 1.0
    doubts_classes: bool = False


GENERATORS = {
    # Frid-Adar et al. 2018 (arXiv:1803.01229): one a class, on images that are augmented in the classic way before.
    "dcgan": Generator(),
    "acgan": Generator(of_class=False, doubts_classes=True),
    # The same networks with what has been learnt since: the honest companion.
    "dcgan-sn": Generator(spectral=True, differentiable=True, averaged=True, rate=4.0),
}
# Translates images between two classes, or from the sources' look to the target's; see `synthesis.cycle`.
CYCLEGAN = "cyclegan"
