"""Stage 3, fusion: classical classifiers on the features of a network, or of several networks of a chain together.

    python -m fusion RECIPE

Reads fine-tuned networks. A `features` run writes `features.npz` once for each network (for one whose backbone was not
trained: once for all folds, label budgets and seeds); each classifier under each rule of fusion is one run more and writes
`predictions.csv` (test images) and, if asked to, the fitted classifier as `classifier.skops`. Everything that learns stands in
one scikit-learn estimator and is fitted on the training and validation images of its fold only. A `heads` run fuses the scores
of the networks' own heads. Feeds the rows of the table whose method begins with "fusion" (several networks) or "features" (one).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from fusion.classifiers import CLASSIFIERS, GRIDS
from indomain.data.budget import labelled_rows
from indomain.data.split import open_split
from indomain.errors import RequestError, look_up, unknown
from indomain.progress import Note
from indomain.recipe.study import Plan
from indomain.runs.task import Task
from indomain.toml import Table

VERSION = 5
FEATURES_VERSION = 2  # of the runs that extract features
RULES = {
    "concat": "fusion.rules:concat",
    "pca": "fusion.rules:pca",
    "cca": "fusion.rules:cca",
    "mrmr": "fusion.rules:mrmr",
    "mutual-information": "fusion.rules:mutual_information",
    "score-mean": "fusion.rules:score_mean",
    "score-weighted": "fusion.rules:score_weighted",
    "score-stacking": "fusion.rules:score_stacking",
    "score-search": "fusion.rules:score_search",
}
# Labels that the networks fused with one another share.
_SHARED = ("profile", "target", "chain", "budget", "fold", "seed")


class Options(Table):
    """[fusion]: leave `classifiers` and `heads` empty for no fusion."""

    classifiers: list[str] = []
    networks: list[Literal["each", "all"]] = Field(default=["all"], min_length=1)  # alone, and fused
    # Further groups of backbones to fuse, by their labels: [["squeezenet", "dcnn-w0.25"]].
    subsets: list[list[str]] = []
    rules: list[str] = Field(default=["concat"], min_length=1)  # how several networks are fused
    # How the networks' own heads are fused.
    heads: list[Literal["score-mean", "score-weighted", "score-stacking", "score-search"]] = []
    tune: bool = False  # the classifier's settings chosen inside the training images, among fusion.classifiers.GRIDS
    keep: list[str] = []  # classifiers to keep as files, for explanations of the whole
    strategy: str = "full"  # which fine-tuned networks give the features
    layers: dict[str, str] = {}  # backbone -> layer; default: its last features, before the head
    pooling: list[Literal["mean", "max", "std"]] = Field(default=["mean"], min_length=1)  # of maps, side by side
    components: int | float | None = None  # to keep: a number, or (concat, pca) a share of the variance below 1

    @field_validator("components")
    @classmethod
    def _whole_or_share(cls, value: int | float | None) -> int | float | None:
        if value is not None and (value <= 0 or (isinstance(value, float) and value >= 1)):
            raise ValueError("components is a whole number of at least 1, or a share of the variance between 0 and 1")
        return value

    @field_validator("classifiers", "keep")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CLASSIFIERS:
                raise unknown("classifier", name, CLASSIFIERS)
        return value

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in RULES:
                raise unknown("rule of fusion", name, RULES)
        return value

    @model_validator(mode="after")
    def _features_are_counted(self) -> "Options":
        counted = [rule for rule in self.rules if rule in ("cca", "mrmr", "mutual-information")]
        if counted and isinstance(self.components, float):
            raise ValueError(f"components is a share of the variance; {', '.join(counted)} keep a number of features")
        return self


def plan(plan: Plan) -> list[Task]:
    """One task for each network's features, one for each classifier, rule and group of networks of a chain."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("fusion", Options, profile)
        if not options.classifiers and not options.heads:
            continue
        fitted = plan.find("finetune", profile=profile)
        _check_words(plan, options, fitted)
        together: dict[tuple, list[Task]] = {}
        for network in fitted:
            # Classifiers would see features of pictures without the mark.
            if network.labels["method"] == options.strategy and "confounder" not in network.params:
                together.setdefault(tuple(network.labels[key] for key in _SHARED), []).append(network)
        _check_sizes(plan, options, list(together.values()))
        first: dict[str, Task] = {}
        for shared, networks in together.items():
            labels = dict(zip(_SHARED, shared))
            if options.classifiers:
                of_network = {network.digest: _features(network, options, first) for network in networks}
                tasks += [features for features in of_network.values() if features.stage == "fusion"]
            for group in _groups(options, networks):
                for classifier in options.classifiers:
                    # One network has nothing to fuse.
                    for rule in options.rules if len(group) > 1 else ["concat"]:
                        members = [of_network[network.digest] for network in group]
                        tasks.append(_classifier(group, members, classifier, rule, options, labels))
                for rule in options.heads if len(group) > 1 else []:
                    tasks.append(_heads(plan, group, rule, labels))
    return tasks


def _check_words(plan: Plan, options: Options, fitted: list[Task]) -> None:
    """Raises a RequestError for names that the recipe does not have."""
    known = {backbone.name for backbone in plan.recipe.backbones}
    for name in options.layers:
        if name not in known:
            raise unknown("backbone", name, known, "fusion.layers")
    if options.strategy not in {task.labels["method"] for task in fitted}:
        raise unknown("strategy", options.strategy, {task.labels["method"] for task in fitted}, "fusion.strategy")
    labels = {backbone.label for backbone in plan.recipe.backbones}
    for name in [name for subset in options.subsets for name in subset]:
        if name not in labels:
            raise unknown("backbone", name, labels, "fusion.subsets")
    for name in options.keep:
        if name not in options.classifiers:
            raise unknown("classifier", name, options.classifiers, "fusion.keep")


_CHOOSING = ("score-weighted", "score-stacking", "score-search")
_LEAST = 4  # patients of each class: three inner folds leave two images of each to learn from


def _check_sizes(plan: Plan, options: Options, together: Iterable[list[Task]]) -> None:
    """Raises a RequestError where something is chosen inside training images that are too few for it."""
    # Chains and seeds share a fold's images: each fold and budget is read once.
    parts = {tuple(networks[0].labels[key] for key in ("target", "budget", "fold")): networks for networks in together}
    for networks in parts.values():
        asked = [f"rules = {rule}" for rule in options.rules if rule in _CHOOSING and len(networks) > 1]
        asked += ["tune = true"] if options.tune else []
        if not asked or not options.classifiers:
            continue
        labels, params = networks[0].labels, networks[0].params
        table = plan.target(labels["target"], labels["profile"]).table(params["fold"])
        rows = labelled_rows(table, params["budget"], params["validation"])
        fewest = int(rows[rows["split"] != "test"].groupby("y")["group"].nunique().min())
        if fewest < _LEAST:
            raise RequestError(
                f"fusion: {asked[0]} chooses inside the training images, and target {labels['target']!r} with "
                f"{labels['budget']} has a class of {fewest} patients or pictures there; at least {_LEAST} are needed. Ask "
                "for more labels, or leave it out."
            )


def _groups(options: Options, networks: list[Task]) -> list[list[Task]]:
    """The groups of a chain's networks that get classifiers: each alone, subsets, all."""
    groups = [[network] for network in networks] if "each" in options.networks and len(networks) > 1 else []
    for subset in options.subsets:
        chosen = [network for network in networks if network.labels["backbone"] in subset]
        # A chain that not all of them run has no such group.
        if len(chosen) == len(set(subset)):
            groups.append(chosen)
    if "all" in options.networks or len(networks) == 1:
        groups.append(networks)
    return list({tuple(network.digest for network in group): group for group in groups}.values())


def _features(network: Task, options: Options, first: dict[str, Task]) -> Task:
    """The run of a network's features; `first`: the first network of each backbone that was not trained."""
    layer = options.layers.get(network.params["backbone"]["name"], "")
    params = {"do": "features", "layer": layer, **{key: network.params[key] for key in ("backbone", "compute")}}
    if options.pooling != ["mean"]:
        params["pooling"] = options.pooling
    untrained = network.inputs.get("features")
    if untrained is None:
        params |= {key: network.params[key] for key in ("listing", "fold", "budget", "validation")}
        labels = {**network.labels, "method": "features"}
        return Task("fusion", FEATURES_VERSION, params, {"network": network}, labels, network.places)
    if not layer and options.pooling == ["mean"]:
        return untrained
    # Every network on this backbone has the same layers below its head.
    network = first.setdefault(untrained.digest, network)
    params["rows"] = untrained.params["rows"]
    return Task("fusion", FEATURES_VERSION, params, {"network": network}, untrained.labels, network.places)


_KEEPS = ("concat", "pca", "cca", "mrmr", "mutual-information")  # rules that `components` speaks to
_KEPT = ("listing", "fold", "budget", "validation", "classes")


def _classifier(
    networks: list[Task], members: list[Task], classifier: str, rule: str, options: Options, labels: dict[str, Any]
) -> Task:
    params = {
        "do": "classify",
        "classifier": classifier,
        "components": options.components if rule in _KEEPS else None,
        **{key: networks[0].params[key] for key in _KEPT},
        "seed": labels["seed"],
    }
    # What is not asked for stands in no digest: a choice that is added leaves the runs of the others alone.
    params |= {"rule": rule} if rule != "concat" else {}
    params |= {"grid": GRIDS[classifier]} if options.tune else {}
    params |= {"keep": True} if classifier in options.keep else {}
    inputs = {f"features{number}": task for number, task in enumerate(members)}
    how = "features" if len(networks) == 1 else "fusion" if rule == "concat" else f"fusion by {rule}"
    method = f"{how}: {classifier}{', tuned' if options.tune else ''}"
    labels = {**labels, "backbone": _names(networks), "method": method}
    return Task("fusion", VERSION, params, inputs, labels, networks[0].places)


def _heads(plan: Plan, networks: list[Task], rule: str, labels: dict[str, Any]) -> Task:
    facts = plan.target(labels["target"], labels["profile"]).facts
    if rule != "score-mean" and not any(split == "val" for _, split, _, _ in facts["counts"]):
        raise RequestError(
            f"fusion.heads: {rule} learns on validation images, and target {labels['target']!r} has none under the profile "
            f'{labels["profile"]}. Put [fusion.{labels["profile"]}] heads = ["score-mean"] into the recipe.'
        )
    params = {"do": "heads", "rule": rule, "classes": networks[0].params["classes"]}
    inputs = {f"network{number}": network for number, network in enumerate(networks)}
    labels = {**labels, "backbone": _names(networks), "method": f"fusion by {rule}: own heads"}
    return Task("fusion", VERSION, params, inputs, labels, networks[0].places)


def _names(networks: list[Task]) -> str:
    return "+".join(network.labels["backbone"] for network in networks)


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for layers that a backbone does not have, before any work starts."""
    from indomain.networks import architecture

    for task in tasks:
        if task.params.get("layer"):
            architecture.up_to(architecture.backbone(task.params["backbone"]), task.params["layer"])


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Extracts features, fits one classifier, or fuses heads; returns facts for the run's record."""
    if task.params["do"] == "heads":
        from fusion import heads

        return heads.fuse(task, folder, inputs)
    return {"features": _extract, "classify": _classify}[task.params["do"]](task, folder, inputs)


def _extract(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    from indomain.networks import features, weights

    listing = open_split(task.places)
    model = weights.load(inputs["network"] / "model.keras")
    part, layer = features.extractor(model, task.params["layer"], task.params.get("pooling", ["mean"]))
    pictures = listing.pictures(task.params["backbone"]["shape"][-1])
    rows = listing.rows() if "rows" in task.params else _table(task)["row"].to_numpy()
    return {**features.write(folder, part, pictures, rows), "layer": layer}


def _table(task: Task) -> Any:
    """The images that a task's fold and label budget give it."""
    params = task.params
    table = open_split(task.places).table(params["fold"])
    return labelled_rows(table, params["budget"], params["validation"])


def _classify(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    import numpy as np

    from fusion.fitting import fit, scores_of
    from indomain.artifacts import predictions
    from indomain.artifacts.features import read_features

    params, rows = task.params, _table(task)
    blocks = [read_features(inputs[f"features{number}"])(rows["row"].to_numpy()) for number in range(len(inputs))]
    fused = np.concatenate(blocks, axis=1)
    learnt = rows["split"] != "test"
    classifier = look_up(CLASSIFIERS, params["classifier"], "classifier")(params["seed"])
    rule = look_up(RULES, params.get("rule", "concat"), "rule of fusion")
    whole = rule([block.shape[1] for block in blocks], classifier, params["components"])
    given = {"X": fused[learnt], "y": rows["y"][learnt].to_numpy(), "groups": rows["group"][learnt].to_numpy()}
    fitted, chosen = fit(whole, classifier, params.get("grid"), **given)
    if params.get("keep"):
        from indomain.artifacts import fitted_classifier

        fitted_classifier.write(folder / "classifier.skops", fitted)
    tested = scores_of(fitted, fused[~learnt])
    scores = np.zeros((len(tested), len(params["classes"])))
    scores[:, fitted.classes_.astype(int)] = tested
    predictions.write(folder / "predictions.csv", rows[~learnt].reset_index(drop=True), scores, params["classes"])
    return {"images": int(learnt.sum()), **chosen}
