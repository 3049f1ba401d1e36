"""Stage 3, fusion: classical classifiers on the features of a network, or of every network of a chain side by side.

    python -m fusion RECIPE

Reads fine-tuned networks. A `features` run writes `features.npz` once for each network (for one whose backbone was not
trained: once for all folds, label budgets and seeds); each classifier is one run more and writes `predictions.csv` (test
images). Everything that learns stands in one scikit-learn Pipeline and is fitted on the
training and validation images of its fold only. Feeds the rows of the table whose method begins with "fusion" (several
networks) or "features" (one).
"""

from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from fusion.classifiers import CLASSIFIERS
from indomain import listings
from indomain.errors import look_up, unknown
from indomain.planning import Plan
from indomain.progress import Note
from indomain.runs import Task
from indomain.schema import Table

VERSION = 2
# Labels that the networks fused with one another share.
_SHARED = ("profile", "target", "chain", "budget", "fold", "seed")


class Options(Table):
    """[fusion]: leave `classifiers` empty for no fusion."""

    classifiers: list[str] = []
    networks: list[Literal["each", "all"]] = Field(default=["all"], min_length=1)  # alone, and fused
    strategy: str = "full"  # which fine-tuned networks give the features
    layers: dict[str, str] = {}  # backbone -> layer; default: its last features, before the head
    components: int | float | None = None  # PCA: a number of components, or a share of the variance below 1

    @field_validator("components")
    @classmethod
    def _whole_or_share(cls, value: int | float | None) -> int | float | None:
        if value is not None and (value <= 0 or (isinstance(value, float) and value >= 1)):
            raise ValueError("components is a whole number of at least 1, or a share of the variance between 0 and 1")
        return value

    @field_validator("classifiers")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CLASSIFIERS:
                raise unknown("classifier", name, CLASSIFIERS)
        return value


def plan(plan: Plan) -> list[Task]:
    """One task for each network's features, and one for each classifier on the networks of a chain."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("fusion", Options, profile)
        known = [backbone.name for backbone in plan.recipe.backbones]
        for name in options.layers:
            if name not in known:
                raise unknown("backbone", name, known, "fusion.layers")
        fitted = plan.find("finetune", profile=profile)
        if options.classifiers and options.strategy not in {task.labels["method"] for task in fitted}:
            raise unknown("strategy", options.strategy, {task.labels["method"] for task in fitted}, "fusion.strategy")
        fused: dict[tuple, list[tuple[Task, Task]]] = {}
        first: dict[str, Task] = {}
        for network in fitted if options.classifiers else []:
            if network.labels["method"] == options.strategy:
                features = _features(network, options, first)
                if features.stage == "fusion":
                    tasks.append(features)
                fused.setdefault(tuple(network.labels[key] for key in _SHARED), []).append((network, features))
        for shared, pairs in fused.items():
            together = [pairs] if "all" in options.networks or len(pairs) == 1 else []
            alone = [[pair] for pair in pairs] if "each" in options.networks and len(pairs) > 1 else []
            for chosen, classifier in product([*alone, *together], options.classifiers):
                networks, members = ([pair[side] for pair in chosen] for side in (0, 1))
                tasks.append(_classifier(networks, members, classifier, options, dict(zip(_SHARED, shared))))
    return tasks


def _features(network: Task, options: Options, first: dict[str, Task]) -> Task:
    """The run of a network's features; `first`: the first network of each backbone that was not trained."""
    layer = options.layers.get(network.params["backbone"]["name"], "")
    params = {"do": "features", "layer": layer, **{key: network.params[key] for key in ("backbone", "compute")}}
    untrained = network.inputs.get("features")
    if untrained is None:
        params |= {key: network.params[key] for key in ("listing", "fold", "budget", "validation")}
        labels = {**network.labels, "method": "features"}
        return Task("fusion", VERSION, params, {"network": network}, labels, network.places)
    if not layer:
        return untrained
    # Every network on this backbone has the same layers below its head.
    network = first.setdefault(untrained.digest, network)
    params["rows"] = untrained.params["rows"]
    return Task("fusion", VERSION, params, {"network": network}, untrained.labels, network.places)


def _classifier(
    networks: list[Task], members: list[Task], classifier: str, options: Options, labels: dict[str, Any]
) -> Task:
    kept = ("listing", "fold", "budget", "validation", "classes")
    params = {
        "do": "classify",
        "classifier": classifier,
        "components": options.components,
        **{key: networks[0].params[key] for key in kept},
        "seed": labels["seed"],
    }
    backbones = "+".join(network.labels["backbone"] for network in networks)
    inputs = {f"features{number}": task for number, task in enumerate(members)}
    labels |= {"backbone": backbones, "method": f"{'fusion' if len(networks) > 1 else 'features'}: {classifier}"}
    return Task("fusion", VERSION, params, inputs, labels, networks[0].places)


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for layers that a backbone does not have, before any work starts."""
    from indomain import networks

    for task in tasks:
        if task.params.get("layer"):
            networks.up_to(networks.backbone(task.params["backbone"]), task.params["layer"])


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Extracts features, or fits one classifier; returns facts for the run's record."""
    return _extract(task, folder, inputs) if task.params["do"] == "features" else _classify(task, folder, inputs)


def _extract(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    import keras

    from indomain import features, networks

    listing = listings.reopen(task.places)
    model = networks.load(inputs["network"] / "model.keras")
    layer = task.params["layer"] or last_features(model)
    part = networks.up_to(model, layer)
    if len(part.output.shape) == 4:
        # Maps become one number a channel.
        pooled = keras.layers.GlobalAveragePooling2D()
        part = networks.cached_for(model, ("pooled", layer), lambda: keras.Model(part.input, pooled(part.output)))
    pictures = listing.pictures(task.params["backbone"]["shape"][-1])
    rows = listing.rows() if "rows" in task.params else _table(task)["row"].to_numpy()
    return {**features.write(folder, part, pictures, rows), "layer": layer}


def _table(task: Task) -> Any:
    """The images that a task's fold and label budget give it."""
    params = task.params
    table = listings.reopen(task.places).table(params["fold"])
    return listings.labelled_rows(table, params["budget"], params["validation"])


def last_features(model: Any) -> str:
    """The name of the layer whose output the head sees: the last one before dropout and `logits`."""
    names = [layer.name for layer in model.layers]
    head = names.index("dropout") if "dropout" in names else names.index("logits")
    return names[head - 1]


def _classify(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    import numpy as np
    from sklearn.pipeline import make_pipeline

    from fusion.concatenation import FeatureFusion
    from indomain import features, predictions

    rows = _table(task)
    blocks = [features.read(inputs[f"features{number}"])(rows["row"].to_numpy()) for number in range(len(inputs))]
    fused = np.concatenate(blocks, axis=1)
    test = (rows["split"] == "test").to_numpy()
    classifier = look_up(CLASSIFIERS, task.params["classifier"], "classifier")(task.params["seed"])
    fusion = FeatureFusion([block.shape[1] for block in blocks], task.params["components"])
    pipeline = make_pipeline(fusion, classifier).fit(fused[~test], rows["y"][~test])
    given = pipeline.predict_proba(fused[test])
    scores = np.zeros((int(test.sum()), len(task.params["classes"])))
    scores[:, pipeline.classes_.astype(int)] = given
    predictions.write(folder / "predictions.csv", rows[test].reset_index(drop=True), scores, task.params["classes"])
    return {"images": int((~test).sum())}
