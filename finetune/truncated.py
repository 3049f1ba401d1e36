"""Truncated transfer: a network is cut after a layer, and what is left is fine-tuned with a head on the average of its maps.

Peng et al. 2023 (arXiv:2106.05152): where images are of another kind, the upper layers of an ImageNet network help little. The
authors' curves are of test images; here `search` chooses the cut on the validation images of each fold: first among the ends of
the stages, between which maps change their size, then among the layers near the best of these.
"""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from finetune import tuning
from indomain import files
from indomain.errors import RequestError, unknown
from indomain.networks import architecture, arithmetic, inference
from indomain.networks.cache import cached_for
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer

SEARCH = "search"
NEAR = 3  # cuts on either side of the best stage that are tried, too


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains what is left of the backbone in place with a new head.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step.
        examples: images of the target.
        num_classes: number of classes.
        trainer: `options.truncated` has one table with the layer to cut after, or "search".

    Returns:
        The network up to `logits`, and facts for the run's record, among them the cut.

    Raises:
        RequestError: a search without validation images.
    """
    (cut,) = trainer.options.truncated.values()
    if cut == SEARCH:
        return _searched(backbone, examples, num_classes, trainer)
    network, facts = _fitted(backbone, cut, examples, num_classes, trainer)
    return network, {**facts, "cut": cut}


def _fitted(
    backbone: keras.Model, cut: str, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    rates = {"logits": trainer.options.head_lr_factor}
    return fit_classifier(cut_after(backbone, cut), examples, num_classes, trainer, rates)


def cut_after(backbone: keras.Model, layer: str) -> keras.Model:
    """A network from images to the average of a layer's maps; it shares its weights with the whole.

    Args:
        backbone: the whole network.
        layer: the last layer that is left.
    """

    def make() -> keras.Model:
        pool = keras.layers.GlobalAveragePooling2D(name="pool")
        return keras.Model(backbone.input, pool(backbone.get_layer(layer).output), name=backbone.name)

    return cached_for(backbone, ("cut after", layer), make)


def cuts(backbone: keras.Model) -> list[str]:
    """The layers that a network can be cut after, in order: all that it knows passes through each of them, as maps.

    Of layers with as many weights below them, such as a convolution's normalisation and activation, the last counts; what only
    makes maps smaller does not.

    Args:
        backbone: the network.
    """
    layers = backbone.layers
    # Other networks may have been built on these layers.
    place = {id(layer): number for number, layer in enumerate(layers)}
    furthest, below = 0, 0
    by_weights: dict[int, tuple[int, str]] = {}
    for number, layer in enumerate(layers):
        shape: tuple[Any, ...] = getattr(layer.output, "shape", ())
        below += layer.count_params()
        # No edge leads past it, from an earlier layer to a later one.
        if len(shape) == 4 and furthest <= number and below:
            side, _ = by_weights.get(below, (shape[1], ""))
            if shape[1] == side:
                by_weights[below] = (side, layer.name)
        followers = [place[id(node.operation)] for node in layer._outbound_nodes if id(node.operation) in place]
        furthest = max([furthest, *followers])
    return [name for _, name in by_weights.values()]


def stages(backbone: keras.Model, names: list[str]) -> list[str]:
    """The last of the cuts at each size of the maps.

    Args:
        backbone: the network.
        names: its cuts, in order.
    """
    last = {int(backbone.get_layer(name).output.shape[1]): name for name in names}
    return list(last.values())


def _searched(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """The best of the cuts that are tried; each is trained from the same beginning."""
    rows, y = examples.part("val")
    if not len(rows):
        raise RequestError(
            "truncated: a search chooses on validation images, and there are none. Hold some out, or name a cut."
        )
    names = cuts(backbone)
    first = [np.array(weight) for weight in backbone.weights]
    found: dict[str, tuple[float, float]] = {}

    def tried(name: str) -> tuple[float, float]:
        if name not in found:
            folder = trainer.folder / f"cut-{name}"
            if not (folder / "tried.json").is_file():
                folder.mkdir(exist_ok=True)
                _begin(backbone, first)
                part = Trainer(trainer.options, trainer.seed, folder, trainer.progress)
                network, facts = _fitted(backbone, name, examples, num_classes, part)
                scores = inference.predict(architecture.with_scores(network), examples.images, rows)
                files.write_arrays(folder / "network.npz", {str(n): np.array(w) for n, w in enumerate(network.weights)})
                files.write_json(folder / "tried.json", {"good": tuning.goodness(y, scores), "facts": facts})
            found[name] = tuple(files.read_json(folder / "tried.json")["good"])
        return found[name]

    ends = stages(backbone, names)
    for name in ends:
        tried(name)
    best = max(ends, key=tried)
    place = names.index(best)
    best = max([best, *names[max(place - NEAR, 0) : place + NEAR + 1]], key=tried)
    chosen = _chosen(backbone, best, found, num_classes, trainer)
    for name in found:
        # Weights of networks that were not chosen.
        shutil.rmtree(trainer.folder / f"cut-{name}")
    return chosen


def _begin(backbone: keras.Model, first: list[np.ndarray]) -> None:
    for weight, value in zip(backbone.weights, first):
        weight.assign(value)


def _chosen(
    backbone: keras.Model, best: str, found: dict[str, tuple[float, float]], num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """The network of the best cut as it was trained, its log, and a table of all that were tried."""
    folder: Path = trainer.folder / f"cut-{best}"
    network = architecture.with_head(cut_after(backbone, best), num_classes, trainer.options.dropout)
    with np.load(folder / "network.npz", allow_pickle=False) as saved:
        for number, weight in enumerate(network.weights):
            weight.assign(saved[str(number)])
    files.write_text(trainer.folder / "log.csv", (folder / "log.csv").read_text(encoding="utf-8"))
    sizes = {name: arithmetic.size(cut_after(backbone, name)) for name in found}
    tried = [
        {"cut": name, "validation_auroc": round(good[0], 4), "log_likelihood": round(good[1], 4), **sizes[name]}
        for name, good in found.items()
    ]
    pd.DataFrame(tried).to_csv(trainer.folder / "search.csv", index=False)
    facts = files.read_json(folder / "tried.json")["facts"]
    return network, {**facts, "cut": best, "cuts_tried": len(found)}


def check(backbone: keras.Model, cut: str, where: str, searches: bool) -> None:
    """Raises a RequestError for a layer that the network cannot be cut after, before any work starts.

    Args:
        backbone: the network.
        cut: the layer, or "search".
        where: the key in the recipe, for the message.
        searches: whether "search" is allowed.

    Raises:
        RequestError: there is no such layer, or it has no maps, or nothing with weights would be left.
    """
    if cut == SEARCH and searches:
        return
    with_maps = [layer.name for layer in backbone.layers if len(getattr(layer.output, "shape", ())) == 4]
    if cut not in with_maps:
        raise unknown("layer with maps", cut, [*with_maps, *[SEARCH] * searches], f"{where}: {backbone.name}")
    if not cut_after(backbone, cut).count_params():
        raise RequestError(f"{where}: {backbone.name} cut after {cut!r} has no weights left; cut later.")
