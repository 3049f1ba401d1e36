"""Full fine-tuning: a new head on the chain's network, and every layer that is not frozen is trained on the target."""

from typing import Any

import keras

from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the backbone in place with a new head.

    Where there are validation images, the epoch of the lowest validation loss is used, otherwise the last.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.head_lr_factor` is the factor on the head's learning rate (10 in the authors' code of Alzubaidi et
            al. 2021, which also freezes nothing).

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    return fit_classifier(backbone, examples, num_classes, trainer, {"logits": trainer.options.head_lr_factor})
