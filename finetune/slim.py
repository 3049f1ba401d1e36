"""A slim top: layers up to a cut are transferred, above it a new top of half the width is trained with them.

Like the hybrids of Raghu et al. 2019 (TransFusion, arXiv:1902.07208), which reuse the lower blocks of a ResNet-50 and put slimmed
ones above. Their blocks exist for that network only: the top here is one convolution of stride two for each later stage, with
half of that stage's channels, normalised.
"""

from typing import Any

import keras

from finetune import truncated
from indomain.errors import RequestError
from indomain.networks import weights
from indomain.networks.cache import cached_for
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer

# Not the seed itself: the chain began with its draws.
ANEW = 2_000_003


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the lower layers in place with a new top and a new head.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.slim` has one table with the last layer that is transferred.

    Returns:
        The network up to `logits`, and facts for the run's record, among them the cut.
    """
    (cut,) = trainer.options.slim.values()
    network = with_slim_top(backbone, cut)
    for layer in network.layers:
        if layer.name.startswith("slim"):
            weights.initialise_layer(layer, trainer.seed + ANEW)
    network, facts = fit_classifier(network, examples, num_classes, trainer, {"logits": trainer.options.head_lr_factor})
    return network, {**facts, "cut": cut}


def with_slim_top(backbone: keras.Model, cut: str) -> keras.Model:
    """A network from images to features whose layers above a cut are new and narrow.

    Args:
        backbone: the whole network.
        cut: the last layer that is transferred.

    Raises:
        RequestError: nothing follows the cut.
    """
    names = truncated.cuts(backbone)
    side = int(backbone.get_layer(cut).output.shape[1])
    later = [name for name in truncated.stages(backbone, names) if int(backbone.get_layer(name).output.shape[1]) < side]
    if not later:
        raise RequestError(
            f"finetune.slim: no stage of {backbone.name} follows {cut!r}, so that there is no top to be slim. Cut lower."
        )

    def make() -> keras.Model:
        x = backbone.get_layer(cut).output
        for number, stage in enumerate(later, start=1):
            filters = max(int(backbone.get_layer(stage).output.shape[-1]) // 2, 1)
            conv = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"slim{number}_conv")
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"slim{number}_bn")(conv(x))
            x = keras.layers.ReLU(name=f"slim{number}_relu")(x)
        pool = keras.layers.GlobalAveragePooling2D(name="pool")
        return keras.Model(backbone.input, pool(x), name=backbone.name)

    return cached_for(backbone, ("slim above", cut), make)
