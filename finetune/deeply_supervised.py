"""Full fine-tuning under deep supervision: layers inside the network have heads of their own (Lei et al. 2018)."""

from typing import Any

import keras

from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.deep_supervision import head_of
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the backbone in place with a new head, and heads on the layers that `options.auxiliary` names.

    Where there are validation images, the epoch of the lowest validation loss is used, otherwise the last; that loss has the
    losses of all heads.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.auxiliary` has the weight of the loss of each head, `options.head_lr_factor` the factor on the
            learning rate of all of them.

    Returns:
        The network up to `logits`, without the heads inside it, and facts for the run's record.
    """
    options = trainer.options
    heads = ("logits", *(head_of(layer) for layer in options.auxiliary))
    rates = dict.fromkeys(heads, options.head_lr_factor)
    return fit_classifier(backbone, examples, num_classes, trainer, rates, auxiliary=options.auxiliary)
