"""Surgical fine-tuning: a named run of layers is trained, the others stay (Lee et al. 2023, arXiv:2210.11466).

Which layers are named by patterns, each with a factor on the learning rate; the first that fits a layer counts:

    "block3_*"                       layers by name, with * for anything
    "from:block3_project_conv"       a layer and all that follow it
    "last:0.3"                       the last 30 % of the layers with weights
    "type:BatchNormalization"        layers of a type

Freezing below a layer, training batch normalisation alone and a sweep over the depth are cases of it. Frozen layers keep their
batch-norm statistics.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import keras

from indomain.errors import RequestError, unknown
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains the layers of the backbone that are not frozen in place, with a new head.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step, in which only the layers of
            `rates_of` can be trained.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.surgical` has one table of patterns; `options.head_lr_factor` is the factor of the head.

    Returns:
        The network up to `logits`, and facts for the run's record, among them the number of weights that were trained.
    """
    (patterns,) = trainer.options.surgical.values()
    rates = {**rates_of(backbone, patterns), "logits": trainer.options.head_lr_factor}
    network, facts = fit_classifier(backbone, examples, num_classes, trainer, rates)
    return network, {**facts, "trained_weights": sum(int(weight.size) for weight in _trainable(network))}


def rates_of(backbone: keras.Model, patterns: dict[str, float]) -> dict[str, float]:
    """Layer -> the factor on its learning rate, of the layers to train, in the graph's order.

    Args:
        backbone: the network.
        patterns: pattern -> factor.

    Raises:
        RequestError: a pattern fits no layer with weights.
    """
    found = fitting(backbone, patterns)
    return {
        layer.name: next(patterns[pattern] for pattern in patterns if layer.name in found[pattern])
        for layer in _weighted(backbone)
        if any(layer.name in names for names in found.values())
    }


def fitting(backbone: keras.Model, patterns: Iterable[str], where: str = "finetune.surgical") -> dict[str, set[str]]:
    """Pattern -> the names of the layers with weights that it fits.

    Args:
        backbone: the network.
        patterns: as this module explains them.
        where: the table of the recipe that has them.

    Raises:
        RequestError: a pattern fits no layer with weights.
    """
    return {pattern: _fitting(backbone, pattern, where) for pattern in patterns}


def _weighted(backbone: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in backbone.layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]


def _fitting(backbone: keras.Model, pattern: str, table: str) -> set[str]:
    kind, colon, word = pattern.partition(":")
    where, layers = f"{table}: {backbone.name}", _weighted(backbone)
    if kind == "last" and colon:
        share = _share(word, table)
        chosen = layers[len(layers) - round(share * len(layers)) :]
    elif kind == "from" and colon:
        names = [layer.name for layer in backbone.layers]
        if word not in names:
            raise unknown("layer", word, names, where)
        later = set(names[names.index(word) :])
        chosen = [layer for layer in layers if layer.name in later]
    elif kind == "type" and colon:
        chosen = [layer for layer in layers if type(layer).__name__ == word]
    else:
        chosen = [layer for layer in layers if fnmatchcase(layer.name, pattern)]
    if not chosen:
        kinds = sorted({type(layer).__name__ for layer in layers})
        known = kinds if kind == "type" else [layer.name for layer in layers]
        raise unknown("pattern", pattern, known, where)
    return {layer.name for layer in chosen}


def _share(word: str, table: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise RequestError(f"{table}: 'last:{word}': expected a share above 0 and up to 1, such as last:0.3.")
    return share


def _trainable(network: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(weight) for weight in network.trainable_weights]
