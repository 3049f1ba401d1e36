"""What is explained: test images, the scores that a network or a kept classifier gives them, maps, and what measures these."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explain import measures, scorers
from explain.grad_cam import grad_cam, grad_cam_plus_plus
from explain.lime_maps import lime, superpixels
from indomain import files
from indomain.data.budget import labelled_rows
from indomain.data.images import confounders
from indomain.data.split import open_split
from indomain.networks import weights
from indomain.progress import Note
from indomain.runs.task import Task


class Explained:
    """What a `maps` or a `measure` run explains: pictures of its fold's test images, scores and maps."""

    def __init__(self, task: Task, inputs: dict[str, Path]) -> None:
        self.params, self.options = task.params, task.params["options"]
        self.listing = open_split(task.places)
        params = task.params
        table = labelled_rows(self.listing.table(params["fold"]), params["budget"], params["validation"])
        self.learnt = int((table["split"] == "train").sum())
        test = table[table["split"] == "test"].reset_index(drop=True)
        self.rows = test.iloc[choose(test["y"].to_numpy(), params["images"], self.options["seed"])]
        self.images = self.listing.pictures(params["backbone"]["shape"][-1])(self.rows["row"].to_numpy())
        self.y = self.rows["y"].to_numpy()
        if "confounder" in params:
            self.images = confounders.tested_pictures(self.images, self.rows, "as learnt", params["confounder"])
        self.model: Any = None
        if "members" in params:
            members = [(inputs[f"features{n}"], inputs[f"network{n}"]) for n in range(params["members"])]
            classes = len(params["classes"])
            self.score = scorers.of_fusion(inputs["classifier"], members, params["pooling"], classes)
        else:
            self.model = weights.load(inputs["network"] / "model.keras")
            self.score = scorers.of_network(self.model)
        self.scores = self.score(self.images.astype("float32"))
        self.chosen = self.y if params["explained"] == "true" else self.scores.argmax(axis=1)

    def maps(self, method: str, seed: int | None = None) -> Any:
        """float32 (N, rows, columns) by one method; `seed`: of LIME."""
        if method == "lime":
            how = (self.options["samples"], self.options["segments"], self.options["seed"] if seed is None else seed)
            return lime(self.score, self.images, self.chosen, *how)
        by_gradient = {"grad-cam": grad_cam, "grad-cam++": grad_cam_plus_plus}[method]
        return by_gradient(self.model, self.images, self.chosen)

    def masks(self) -> Any:
        """uint8 (N, rows, columns), or None where the set has none."""
        every = self.listing.masks()
        if every is None:
            return None
        found = np.array(every[self.rows["row"].to_numpy()])
        # A finding speaks for its own class: what speaks for another one need not point at it.
        found[self.chosen != self.y] = 0
        return found


def write_maps(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Writes `explanations.npz` of a `maps` run; returns facts for the run's record."""
    what = Explained(task, inputs)
    arrays = {"images": what.images, "y": what.y, "explained": what.chosen, "scores": what.scores}
    arrays["id"] = what.rows["id"].to_numpy().astype(str)
    for method in what.options["methods"]:
        note(f"{method}, {len(what.images)} images")
        arrays[method] = what.maps(method)
    masks = what.masks()
    if masks is not None:
        arrays["masks"] = masks
    files.write_arrays(folder / "explanations.npz", arrays)
    return {"images": len(what.images)}


def choose(y: Any, number: int, seed: int) -> list[int]:
    """Places of `number` images in `y`, the classes in turn from the last (the positive one), at random within a class."""
    order = np.random.default_rng(seed).permutation(len(y))
    queues = [[int(place) for place in order if y[place] == value] for value in sorted(set(y.tolist()), reverse=True)]
    chosen: list[int] = []
    while len(chosen) < min(number, len(y)):
        for queue in queues:
            if queue and len(chosen) < number:
                chosen.append(queue.pop(0))
    return chosen


def write_measures(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Writes `measures.csv` of a `measure` run; returns facts for the run's record."""
    what, asked = Explained(task, inputs), task.params["measures"]
    masks = what.masks()
    rows: list[dict[str, Any]] = []

    def say(method: str, measure: str, values: Any) -> None:
        for name, group, value in zip(what.rows["id"], what.rows["group"], values):
            rows.append({"id": name, "group": group, "explanation": method, "measure": measure, "value": value})

    maps = {}
    for number, method in enumerate(what.options["methods"]):
        note(f"{method} of {len(what.images)} images", number / (len(what.options["methods"]) + 1))
        heat = maps[method] = what.maps(method)
        if masks is not None:
            for measure in ("pointing", "overlap", "energy"):
                if measure in asked:
                    function = getattr(measures, measure)
                    say(method, measure, [function(one, mask) for one, mask in zip(heat, masks)])
        if {"deletion", "insertion"} & set(asked):
            pairs = [
                measures.deletion_and_insertion(what.score, picture, one, int(chosen))
                for picture, one, chosen in zip(what.images, heat, what.chosen)
            ]
            for place, measure in enumerate(("deletion", "insertion")):
                if measure in asked:
                    say(method, measure, [pair[place] for pair in pairs])
        if method == "lime" and "stability" in asked:
            others = [
                what.maps(method, what.options["seed"] + 1 + more) for more in range(what.options["lime_seeds"] - 1)
            ]
            parts = [superpixels(picture, what.options["segments"]) for picture in what.images]
            say(method, "stability", [measures.agreement(list(one), part) for *one, part in zip(heat, *others, parts)])
    if masks is not None and "pointing" in asked:
        # What maps would reach that know nothing of the picture: findings often lie in the middle (Zhang et al. 2018).
        found = [measures.near(mask) if (mask > 0).any() else None for mask in masks]
        say("anywhere", "pointing", [np.nan if one is None else one.mean() for one in found])
        say("middle", "pointing", [np.nan if one is None else measures.middle(one).mean() for one in found])
    if "randomisation" in asked and what.model is not None:
        # Last, as it spoils the network: every weight drawn anew, the classes explained as before.
        weights.initialise(what.model, what.options["seed"] + 1)
        for method, heat in maps.items():
            drawn = what.maps(method)
            say(method, "randomisation", [measures.rank_correlation(a, b) for a, b in zip(heat, drawn)])
    with files.written(folder / "measures.csv") as temporary:
        columns = ["id", "group", "explanation", "measure", "value"]
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False, float_format="%.8g")
    return {"images": len(what.images), "learnt": what.learnt}
