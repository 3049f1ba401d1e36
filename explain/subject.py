"""What is explained: some test images of a fold, and the network or fused classifier that scores them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np

from explain import scorers
from explain.registry import explanation
from indomain.data.images import confounders
from indomain.data.split import Split
from indomain.networks import scoring, weights
from indomain.runs.task import Work


class Subject:
    """What a `maps` or a `measure` run explains.

    Args:
        work: the work of a `maps` or `measure` run.

    Attributes:
        methods: names of the explanations.
        options: the keys of [explain] that they use.
        rows: the table of the images, one row per image.
        images: uint8 (n, rows, columns, channels).
        y: int (n,), class numbers.
        model: the network; None for a fused classifier.
        score: from images (n, rows, columns, channels), 0–255, to scores (n, classes).
        scores: (n, classes), the scores of `images`.
        chosen: int (n,), the class explained for each image.
        masks: uint8 (n, rows, columns), above 0 on the finding; None where the set has no masks.
        maps: from the name of an explanation, and optionally a seed, to maps float32 (n, rows, columns); cached.
        num_learnt: number of training images.
    """

    def __init__(self, work: Work) -> None:
        params = work.params
        self.options = params["options"]
        self.methods: list[str] = self.options["methods"]
        split = Split.open(work.task.paths)
        table = split.labelled(params)
        self.num_learnt = int((table["split"] == "train").sum())
        test = table[table["split"] == "test"].reset_index(drop=True)
        self.rows = test.iloc[choose(test["y"].to_numpy(), params["images"], self.options["seed"])]
        self.images = split.images(params["backbone"]["shape"][-1])(self.rows["row"].to_numpy())
        if "confounder" in params:
            self.images = confounders.tested_images(self.images, self.rows, "as learnt", params["confounder"])
        self.y = self.rows["y"].to_numpy()
        self.model, self.score = _scorer(work)
        self.scores = self.score(self.images.astype("float32"))
        self.chosen = self.y if params["explained"] == "true" else self.scores.argmax(axis=1)
        self.masks = self._masks(split)
        self.maps = cache(self._maps)

    def _maps(self, method: str, seed: int | None = None) -> np.ndarray:
        """The maps of one method; `seed` is for methods with a random part, by default the recipe's."""
        return explanation(method)(self, self.options["seed"] if seed is None else seed)

    def _masks(self, split: Split) -> np.ndarray | None:
        all_masks = split.masks()
        if all_masks is None:
            return None
        masks = np.array(all_masks[self.rows["row"].to_numpy()])
        # A finding is evidence for the true class: the explanation of another class need not point at it.
        masks[self.chosen != self.y] = 0
        return masks


def _scorer(work: Work) -> tuple[keras.Model | None, Callable[[np.ndarray], np.ndarray]]:
    """The network, or None for a fused classifier, and the function from images to scores."""
    params, inputs = work.params, work.inputs
    if "classifier" in inputs:
        members = list(zip(inputs["features"], inputs["networks"]))
        return None, scorers.of_fusion(inputs["classifier"], members, params["pooling"], len(params["classes"]))
    model: Any = weights.load(inputs["network"] / "model.keras")
    return model, scoring.of_network(model)


def choose(y: np.ndarray, number: int, seed: int) -> list[int]:
    """Chooses images at random, taking turns among the classes from the last (the positive one) to the first.

    Args:
        y: int (n,), class numbers.
        number: number of images to choose; all of them if there are fewer.
        seed: seed of the draw.

    Returns:
        Positions in `y`, in the order of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(y))
    classes = sorted(set(y.tolist()), reverse=True)
    queues = [[int(position) for position in order if y[position] == value] for value in classes]
    chosen: list[int] = []
    while len(chosen) < min(number, len(y)):
        for queue in queues:
            if queue and len(chosen) < number:
                chosen.append(queue.pop(0))
    return chosen
