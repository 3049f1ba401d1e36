"""Supervised pretraining under deep supervision: layers inside the network have heads of their own (Lei et al. 2018)."""

from typing import Any

from indomain.artifacts import source_head
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from pretrain.step import PretrainingStep


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the classes of its source; returns facts for the run's record.

    As `pretrain.supervised`, with heads on the layers that `options.auxiliary` names; all heads are thrown away but that of
    the network itself, which is kept beside it.
    """
    examples, classes = Examples(step.images(), step.split.table()), len(step.split.info.classes)
    network, facts = fit_classifier(step.backbone, examples, classes, step.trainer, auxiliary=step.options.auxiliary)
    kernel, bias = network.get_layer("logits").get_weights()
    source_head.write(step.trainer.folder, kernel, bias)
    return facts
