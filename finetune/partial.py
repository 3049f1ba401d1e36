"""Partial transfer: some layers keep the chain's weights, the others are drawn at random, and everything is trained.

The number of transferred layers is an axis of Christodoulidis et al. 2017 (IEEE JBHI 21:76), and of Yosinski et al. 2014
(arXiv:1411.1792) before them. Layers are named by the patterns of `finetune.surgical`.
"""

from typing import Any

import keras

from finetune import surgical
from indomain.networks import weights
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer

# Not the seed itself: the chain began with its draws, which fit what the transferred layers have learnt.
ANEW = 1_000_003


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Draws some layers anew by the run's seed, then trains the backbone in place with a new head.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.partial` has one table of patterns, of the layers that are not transferred.

    Returns:
        The network up to `logits`, and facts for the run's record, among them the number of layers that were drawn.
    """
    (patterns,) = trainer.options.partial.values()
    drawn = set().union(*surgical.fitting(backbone, patterns, "finetune.partial").values())
    for layer in backbone.layers:
        if layer.name in drawn:
            weights.initialise_layer(layer, trainer.seed + ANEW)
    rates = {"logits": trainer.options.head_lr_factor}
    network, facts = fit_classifier(backbone, examples, num_classes, trainer, rates)
    return network, {**facts, "drawn_layers": len(drawn)}
