"""What the objectives without labels have in common: every training image of the source, a head that is drawn and dropped."""

from collections.abc import Callable
from typing import Any

from indomain.networks import cache
from indomain.training import model, trainer
from indomain.training.batches import Batches
from pretrain.lesson import Lesson


def learn(lesson: Lesson, name: str, make: Callable[[], model.Trainee]) -> dict[str, Any]:
    """Draws every weight that is not the backbone's, trains on all training images; returns facts for the run's record.

    Args:
        name: the objective's; make: builds and compiles its trainee, once for each architecture and set of options.
    """
    backbone, options, seed = lesson.backbone, lesson.options, lesson.seed
    # Epochs, rate and batch are set anew for each run; all else is compiled in.
    own = options.model_dump_json(exclude={"epochs", "learning_rate", "batch"})
    trainee = cache.cached_for(backbone, (name, own), make)
    known = {id(layer) for layer in backbone.layers}
    head = [layer.name for layer in trainee.network.layers if id(layer) not in known and layer.weights]
    model.initialise_head(trainee, seed, tuple(head))
    model.reset(trainee, options.learning_rate, seed)
    table = lesson.listing.table()
    rows = table.loc[table["split"] == "train", "row"].to_numpy()
    batches = Batches(lesson.listing.pictures(backbone.input_shape[-1]), rows, batch=options.batch, seed=seed)
    log = trainer.fit(trainee, batches, None, options, lesson.folder, lesson.note, measure=lesson.measure)
    return trainer.facts(log, len(rows))
