"""What the objectives without labels share: all training images of the source, and a head that is discarded afterwards."""

from collections.abc import Callable
from typing import Any

import numpy as np

from indomain.networks.cache import cached_for
from indomain.training import model as training_model
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel
from pretrain.step import PretrainingStep


def learn(
    step: PretrainingStep,
    name: str,
    make: Callable[[], TrainingModel],
    images: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, Any]:
    """As `learnt`; returns only the facts."""
    return learnt(step, name, make, images)[1]


def learnt(
    step: PretrainingStep,
    name: str,
    make: Callable[[], TrainingModel],
    images: Callable[[np.ndarray], np.ndarray] | None = None,
    begin: Callable[[TrainingModel], None] | None = None,
) -> tuple[TrainingModel, dict[str, Any]]:
    """Initialises all weights outside the backbone and trains on all training images.

    Args:
        step: the backbone, which is trained in place, the source and the trainer.
        name: the objective's name.
        make: builds and compiles the training model; called once per architecture and set of options.
        images: from rows to what a batch holds; None: the source's images.
        begin: called before the training, to change the initial weights.

    Returns:
        The trained model, and facts for the run's record.
    """
    backbone, options, seed = step.backbone, step.options, step.trainer.seed
    # These are set for each run; all other options are compiled into the model.
    compiled_in = options.model_dump_json(exclude={"epochs", "learning_rate", "batch", "schedule", "warmup"})
    model = cached_for(backbone, (name, compiled_in), make)
    backbone_layers = {id(layer) for layer in backbone.layers}
    head = [layer.name for layer in model.network.layers if id(layer) not in backbone_layers and layer.weights]
    training_model.initialise_head(model, seed, tuple(head))
    training_model.reset(model, options.learning_rate, seed)
    if begin:
        begin(model)
    batches = Batches(images or step.images(), step.training_rows(), batch=options.batch, seed=seed)
    return model, step.trainer.fit(model, batches)
