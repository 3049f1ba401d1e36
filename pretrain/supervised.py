"""Supervised pretraining: a linear head on the backbone, trained with cross-entropy on the source's labels.

The chain's next step begins without the head. It is kept beside the network, for measures of transferability.
"""

from typing import Any

from indomain.artifacts import source_head
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from pretrain.step import PretrainingStep


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the classes of its source; returns facts for the run's record.

    With validation images (the strict profile) the epoch of the lowest validation loss is used, otherwise the last.
    """
    examples = Examples(step.images(), step.split.table())
    network, facts = fit_classifier(step.backbone, examples, len(step.split.info.classes), step.trainer)
    kernel, bias = network.get_layer("logits").get_weights()
    source_head.write(step.trainer.folder, kernel, bias)
    return facts
