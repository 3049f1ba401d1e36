"""The plan of explanations: maps and panels, measures, and robustness, for networks and for saved classifiers."""

from dataclasses import replace
from typing import Any

from explain.options import Options
from explain.registry import EXPLANATIONS
from indomain.recipe.recipe import BASELINE
from indomain.recipe.study import Study
from indomain.runs.tags import Tags
from indomain.runs.task import Task, find

VERSION = 5


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans the maps of each network or saved classifier and the panels, then the measures and robustness.

    What is explained is of the first seed; robustness, which costs little, is that of every seed.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages, among them those of fine-tuning and fusion.
    """
    tasks: list[Task] = []
    for profile in study.recipe.profiles:
        options = study.options("explain", Options, profile)
        fitted = [*find(earlier, "finetune", profile=profile), *find(earlier, "fusion", "classify", profile=profile)]
        # The baseline is a row to beat, and not what the recipe is about.
        # What begins with given features has no network, and images cannot be changed for it.
        fitted = [task for task in fitted if task.tags.chain != BASELINE and _has_networks(earlier, task)]
        largest = [task for task in fitted if _has_largest_budget(study, task)]
        explained = [task for task in largest if task.tags.seed == study.seeds(profile)[0] and _is_kept(task)]
        panels: dict[Tags, list[Task]] = {}
        for task in explained if options.images and options.methods else []:
            for whose in options.explained if task.tags.fold == 0 else []:
                maps_params: dict[str, Any] = {"images": options.images, "explained": whose}
                maps = _explaining(study, earlier, task, options, "maps", maps_params)
                if maps:
                    shared = maps.tags.only("profile", "target", "backbone", "method", "budget", "explained")
                    panels.setdefault(shared, []).append(maps)
        for tags, members in panels.items():
            tasks += [*members, _panel(study, tags, members)]
        for task in explained if options.measure and options.methods else []:
            for whose in options.explained:
                measure_params = {"images": options.measure, "measures": options.measures, "explained": whose}
                measured = _explaining(study, earlier, task, options, "measure", measure_params)
                tasks += [measured] if measured else []
        for task in largest:
            corrupts = bool(options.robustness.corruptions)
            if task.stage == "finetune" and (corrupts or "confounder" in task.params):
                tasks.append(_robustness(task, options))
    return tasks


def _has_largest_budget(study: Study, task: Task) -> bool:
    """Whether a task learns from the largest label budget of its target."""
    return task.tags.budget == study.recipe.targets[str(task.tags.target)].largest_budget().label


def _is_kept(task: Task) -> bool:
    """Whether a task leaves a network or a classifier that can be explained."""
    return task.stage == "finetune" or bool(task.params.get("save"))


def _shared_params(task: Task) -> dict[str, Any]:
    keys = ("split", "fold", "budget", "validation", "classes", "confounder")
    return {key: task.params[key] for key in keys if key in task.params}


def _explaining(
    study: Study, earlier: list[Task], task: Task, options: Options, kind: str, kind_params: dict[str, Any]
) -> Task | None:
    """The task that explains one network or classifier; None if none of the methods can explain it.

    Args:
        study: the recipe and its data, which tell whether the target has masks.
        earlier: tasks of earlier stages.
        task: the task of the network or classifier.
        options: the keys of [explain].
        kind: "maps" or "measure".
        kind_params: the parameters that only this kind has.
    """
    is_fused = task.stage == "fusion"
    methods = [name for name in options.methods if not (is_fused and EXPLANATIONS[name].needs_gradients)]
    if not methods:
        return None
    inputs: dict[str, Any] = {"network": task}
    network, pooled = task, {}
    if is_fused:
        members = task.several("features")
        networks = [_network_of(earlier, member) for member in members]
        inputs = {"classifier": task, "features": members, "networks": networks}
        network = networks[0]
        pooled = {"members": len(members), "pooling": members[0].params.get("pooling", ["mean"])}
    used = {key for name in methods for key in EXPLANATIONS[name].options}
    if kind == "measure":
        used |= {key for name in methods for key in EXPLANATIONS[name].measured_options}
    masks = study.target(str(task.tags.target), str(task.tags.profile)).info.masks
    params = {
        **kind_params,
        "options": {"seed": options.seed, "methods": methods, **options.model_dump(include=used)},
        **_shared_params(task),
        **{key: network.params[key] for key in ("backbone", "compute")},
        **({"masks": masks} if masks else {}),
        **pooled,
    }
    return Task(
        stage="explain",
        version=VERSION,
        kind=kind,
        params=params,
        inputs=inputs,
        tags=replace(task.tags, explained=kind_params["explained"]),
        paths=network.paths,
        like=f"{kind} {kind_params['images']} {' '.join(methods)}",
    )


def _has_networks(earlier: list[Task], task: Task) -> bool:
    """Whether all features of a network or classifier are computed from images here."""
    if task.stage == "finetune":
        return "backbone" in task.params
    # Only saved classifiers are explained.
    members = task.several("features") if _is_kept(task) else []
    return all("backbone" in _network_of(earlier, member).params for member in members)


def _network_of(earlier: list[Task], features: Task) -> Task:
    """The task of the network whose features a task extracts."""
    if "network" in features.inputs:
        return features.input("network")
    return next(task for task in find(earlier, "finetune") if task.inputs.get("features") is features)


def _panel(study: Study, tags: Tags, members: list[Task]) -> Task:
    """The task that draws the maps of all chains side by side."""
    synthetic = study.target(str(tags.target), str(tags.profile)).info.synthetic
    words = f"{tags.target}, {tags.backbone}, {tags.method}: the {tags.explained} class"
    params = {
        "chains": [task.tags.chain for task in members],
        "methods": members[0].params["options"]["methods"],
        "classes": members[0].params["classes"],
        "note": words + (" — synthetic radiographs" if synthetic else ""),
    }
    return Task(
        stage="explain",
        version=VERSION,
        kind="panel",
        params=params,
        inputs={"maps": members},
        tags=tags,
        like="panel",
        despite_divergence=True,
    )


def _robustness(task: Task, options: Options) -> Task:
    """The task that scores a network's test images under corruptions and under each condition of a marker."""
    conditions = {}
    if options.robustness.corruptions:
        conditions = {**options.robustness.model_dump(), "seed": options.seed}
    params = {**_shared_params(task), **conditions, "compute": task.params["compute"]}
    return Task(
        stage="explain",
        version=VERSION,
        kind="robustness",
        params=params,
        inputs={"network": task},
        tags=task.tags,
        paths=task.paths,
        like="robustness",
    )
