"""Linear probing, then fine-tuning (Kumar et al. 2022, arXiv:2202.10054).

A new head sends random gradients through a network that knew something. Here the head is fitted first, on the features as
they are, and then everything is trained from there.
"""

from typing import Any

import keras

from finetune import off_the_shelf
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Fits the head as `off_the_shelf.fit` does, then trains the backbone in place with it.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options` has `class_weights` and `C`, for the regression, and how to train.

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    probe, _ = off_the_shelf.fit(backbone, examples, num_classes, trainer)
    return fit_classifier(backbone, examples, num_classes, trainer, head=probe.get_layer("logits").get_weights())
