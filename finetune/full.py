"""Fine-tuning: a new head on the chain's network, and every layer that is not frozen trained on the target."""

from typing import Any

import keras

from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains in place; the best epoch by validation loss where there are validation images, else the last.

    Args:
        backbone: as the chain left it.
        examples: of the target.
        num_classes: number of classes.
        trainer: `options.head_lr_factor` is the factor on the head's learning rate (10 in the authors' code of Alzubaidi et al.
            2021, which also freezes nothing).

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    return fit_classifier(backbone, examples, num_classes, trainer, trainer.options.head_lr_factor)
