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
from indomain.errors import Diverged, RequestError, unknown
from indomain.networks import architecture, arithmetic, inference
from indomain.networks.cache import cached_for, forget
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer

SEARCH = "search"
DONE = "tried.json"  # says that a cut has been tried
DIVERGED = (-1.0, 0.0)  # worse than any network that learnt something
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

    In networks that widen before they shrink, such as EfficientNet-Lite, these lie in the first block of the next stage.

    Args:
        backbone: the network.
        names: its cuts, in order.
    """
    ends: list[str] = []
    side = 0
    for name in names:
        here = int(backbone.get_layer(name).output.shape[1])
        # Convolutions without padding take a pixel or two; a stage begins where the side is about halved.
        if not ends or here <= 0.75 * side:
            side = here
            ends.append(name)
        ends[-1] = name
    return ends


def _searched(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """The best of the cuts that are tried; each is trained from the same beginning."""
    if not len(examples.part("val")[0]):
        raise RequestError(
            "truncated: a search chooses on validation images, and there are none. Hold some out, or name a cut."
        )
    names = cuts(backbone)
    first = [np.array(weight) for weight in backbone.weights]
    found: dict[str, tuple[float, float]] = {}

    def tried(name: str) -> tuple[float, float]:
        if name not in found:
            found[name] = _tried(backbone, name, first, examples, num_classes, trainer)
        return found[name]

    best = max(stages(backbone, names), key=tried)
    place = names.index(best)
    best = max([best, *names[max(place - NEAR, 0) : place + NEAR + 1]], key=tried)
    if tried(best) == DIVERGED:
        raise Diverged(f"all {len(found)} cuts that were tried")
    chosen = _chosen(backbone, best, found, num_classes, trainer)
    # First what says that a cut has been tried, so that a search that is killed here tries again what is half deleted.
    folders = list(trainer.folder.glob("cut-*"))
    for folder in folders:
        (folder / DONE).unlink(missing_ok=True)
    for folder in folders:
        shutil.rmtree(folder)
    return chosen


def _tried(
    backbone: keras.Model,
    name: str,
    first: list[np.ndarray],
    examples: Examples,
    num_classes: int,
    trainer: Trainer,
) -> tuple[float, float]:
    """How good a cut is on the validation images, trained from the beginning unless that was done before a kill."""
    folder = trainer.folder / f"cut-{name}"
    if not (folder / DONE).is_file():
        folder.mkdir(exist_ok=True)
        _begin(backbone, first)
        rows, y = examples.part("val")
        good: tuple[float, float] = DIVERGED
        facts: dict[str, Any] = {}
        try:
            part = Trainer(trainer.options, trainer.seed, folder, trainer.progress)
            network, facts = _fitted(backbone, name, examples, num_classes, part)
            scores = inference.predict(architecture.with_scores(network), examples.images, rows)
            if np.isfinite(scores).all():
                files.write_arrays(folder / "network.npz", {str(n): np.array(w) for n, w in enumerate(network.weights)})
                good = tuning.goodness(y, scores)
        except Diverged:
            pass
        size = arithmetic.size(cut_after(backbone, name))
        files.write_json(folder / DONE, {"good": good, "facts": facts, "size": size})
        # Of some ten networks a fold none is asked for again soon.
        forget(cut_after(backbone, name))
    return tuple(files.read_json(folder / DONE)["good"])


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
    tried = [
        {"cut": name, "validation_auroc": round(good[0], 4), "log_likelihood": round(good[1], 4)}
        | files.read_json(trainer.folder / f"cut-{name}" / DONE)["size"]
        for name, good in found.items()
    ]
    pd.DataFrame(tried).to_csv(trainer.folder / "search.csv", index=False)
    facts = files.read_json(folder / DONE)["facts"]
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
        names = cuts(backbone)
        if len(names) < 2:
            raise RequestError(
                f"{where}: {backbone.name} has {len(names)} layers to cut after: there is nothing to search for."
            )
        return
    with_maps = [layer.name for layer in backbone.layers if len(getattr(layer.output, "shape", ())) == 4]
    if cut not in with_maps:
        raise unknown("layer with maps", cut, [*with_maps, *[SEARCH] * searches], f"{where}: {backbone.name}")
    if not cut_after(backbone, cut).count_params():
        raise RequestError(f"{where}: {backbone.name} cut after {cut!r} has no weights left; cut later.")
