"""Co-Tuning: everything is fine-tuned, and the head of the source goes on learning from the target (You et al. 2020, NeurIPS).

What the classes of the source have to do with those of the target is learnt first: a logistic regression tells the target's class
from the probabilities of the source's head, and is asked about each class of the source. By Bayes' rule, with all classes of
the source as likely, this gives the source's classes for each class of the target. The authors calibrate that head, and take the
classes' frequencies in the source; neither is kept here. Only chains whose last step has learnt classes have such a head.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain.artifacts import source_head
from indomain.networks import inference
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.second_head import SecondHead
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer, source: Path
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the backbone in place with a new head, beside that of the source.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.co_weight` is the weight of the second head's loss, `options.head_lr_factor` the factor on the new
            head's learning rate.
        source: the folder of the run of pretraining, which keeps its head.

    Returns:
        The network up to `logits`, without the second head, and facts for the run's record.
    """
    rows, y = examples.part("train")
    said = source_head.probabilities(source, inference.predict(backbone, examples.images, rows))
    kernel, bias = source_head.read(source)
    second = SecondHead(kernel, bias, relation(said, y, num_classes), trainer.options.co_weight)
    rates = {"logits": trainer.options.head_lr_factor}
    network, facts = fit_classifier(backbone, examples, num_classes, trainer, rates, second=second)
    return network, {**facts, "source_classes": len(bias)}


def relation(said: np.ndarray, y: np.ndarray, num_classes: int) -> np.ndarray:
    """The probability of each class of the source given one of the target, (target classes, source classes).

    Args:
        said: (n, source classes), what the source's head says of the target's training images.
        y: int (n,), their classes.
        num_classes: number of classes of the target; of one without images nothing is known, and all are as likely.
    """
    from sklearn.linear_model import LogisticRegression

    classes = said.shape[1]
    found = np.full((num_classes, classes), 1 / classes)
    present = np.unique(y)
    if len(present) < 2:
        return found
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(said, y)
    # (source classes, target classes): asked about an image that surely is of one class of the source.
    of_target = model.predict_proba(np.eye(classes))
    found[present] = (of_target / of_target.sum(axis=0)).T
    return found
