"""Stage 4, explanations: what decided, how far that can be trusted, and what a network stands.

    python -m explain RECIPE

Reads fine-tuned networks of the first seed, and the fused classifiers that were kept. A `maps` run writes `explanations.npz`
for one of them (images, maps, scores); a `panel` run draws `panel.png` with every chain side by side. A `measure` run writes
`measures.csv` (one line an image, explanation and measure), a `robustness` run `corrupted.csv` (the scores of the test images
under each corruption). Feeds the figures of the page, and the rows of the table that measure explanations and robustness.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from indomain.data.budget import budget_label, share_or_shots
from indomain.data.images.corruptions import CORRUPTIONS
from indomain.errors import Diverged, unknown
from indomain.metrics import OF_EXPLANATIONS
from indomain.progress import Note
from indomain.recipe.study import Plan
from indomain.runs.task import Task
from indomain.toml import Table

VERSION = 3
Method = Literal["grad-cam", "grad-cam++", "lime"]
Whose = Literal["true", "predicted"]


class Robustness(Table):
    """[explain.robustness]: test images spoilt in graded severity."""

    corruptions: list[str] = []  # names in indomain.data.images.corruptions; empty: none
    severities: list[Annotated[int, Field(ge=1, le=5)]] = Field(default=[1, 2, 3, 4, 5], min_length=1)

    @field_validator("corruptions")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CORRUPTIONS:
                raise unknown("corruption", name, CORRUPTIONS)
        return value


class Options(Table):
    """[explain]: images = 0 for no panel, measure = 0 for no measures."""

    images: int = Field(default=0, ge=0)  # test images on the panel, the same for every chain, classes in turn
    measure: int = Field(default=0, ge=0)  # test images of each fold whose explanations are measured
    methods: list[Method] = ["grad-cam", "lime"]
    measures: list[str] = list(OF_EXPLANATIONS)
    # Whose class; "true" is the same for every chain.
    explained: Annotated[list[Whose], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)] = (
        Field(default=["true"], min_length=1)
    )
    samples: int = Field(default=1000, ge=10)  # LIME
    segments: int = Field(default=60, ge=4)  # LIME's superpixels
    lime_seeds: int = Field(default=3, ge=2)  # for `stability`
    seed: int = 0
    robustness: Robustness = Robustness()

    @field_validator("measures")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in OF_EXPLANATIONS:
                raise unknown("measure", name, OF_EXPLANATIONS)
        return value


def plan(plan: Plan) -> list[Task]:
    """One task for the maps of each network or kept classifier and one for each panel; then measures and robustness."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("explain", Options, profile)
        explained = [*plan.find("finetune", profile=profile), *plan.find("fusion", profile=profile)]
        explained = [task for task in explained if _is_explained(plan, task, profile)]
        panels: dict[tuple, list[Task]] = {}
        for task in explained if options.images and options.methods else []:
            if task.labels["fold"] == 0:
                for whose in options.explained:
                    maps = _of(plan, task, options, {"do": "maps", "images": options.images, "explained": whose})
                    if maps:
                        shared = tuple(task.labels[key] for key in _PANEL)
                        panels.setdefault((*shared, whose), []).append(maps)
        for shared, members in panels.items():
            tasks += [*members, _panel_task(plan, profile, shared, members)]
        for task in explained if options.measure and options.methods else []:
            own = {"do": "measure", "images": options.measure, "measures": options.measures}
            tasks += filter(
                None, [_of(plan, task, options, {**own, "explained": whose}) for whose in options.explained]
            )
        for task in explained:
            conditions = options.robustness.model_dump() if options.robustness.corruptions else {}
            if task.stage == "finetune" and (conditions or task.params.get("confounder")):
                params = {"do": "robustness", **_kept(task), **conditions, "compute": task.params["compute"]}
                if conditions:
                    params["seed"] = options.seed
                labels = {**task.labels, "do": "robustness"}
                tasks.append(Task("explain", VERSION, params, {"network": task}, labels, task.places))
    return tasks


_PANEL = ("profile", "target", "backbone", "method", "budget")


def _is_explained(plan: Plan, task: Task, profile: str) -> bool:
    """Networks, and classifiers that were kept, of the first seed and the last, largest label budget."""
    if task.params.get("do") in ("features", "heads") or (task.stage == "fusion" and not task.params.get("keep")):
        return False
    largest = max(plan.recipe.targets[task.labels["target"]].budgets(), key=share_or_shots)
    return task.labels["seed"] == plan.seeds(profile)[0] and task.labels["budget"] == budget_label(largest)


def _kept(task: Task) -> dict[str, Any]:
    keys = ("listing", "fold", "budget", "validation", "classes", "confounder")
    return {key: task.params[key] for key in keys if key in task.params}


def _of(plan: Plan, task: Task, options: Options, own: dict[str, Any]) -> Task | None:
    """The task that explains one network or classifier; None where no method can."""
    network, inputs = task, {"network": task}
    methods: list[str] = list(options.methods)
    if task.stage == "fusion":
        # Grad-CAM needs gradients, which a forest has not.
        methods = [method for method in methods if method == "lime"]
        members = list(task.inputs.values())
        inputs = {"classifier": task, **{f"features{number}": member for number, member in enumerate(members)}}
        fitted = [_network_of(plan, member) for member in members]
        inputs |= {f"network{number}": network for number, network in enumerate(fitted)}
        network = fitted[0]
    if not methods:
        return None
    how = {"seed": options.seed, "methods": methods}
    if "lime" in methods:
        how |= options.model_dump(
            include={"samples", "segments"} | ({"lime_seeds"} if own["do"] == "measure" else set())
        )
    spec = {"backbone": network.params["backbone"], "compute": network.params["compute"]}
    params = {**own, "options": how, **_kept(task), **spec}
    masks = plan.target(task.labels["target"], task.labels["profile"]).facts["masks"]
    if masks:
        params["masks"] = masks
    if task.stage == "fusion":
        pooling = next(iter(task.inputs.values())).params.get("pooling", ["mean"])
        params |= {"members": len(task.inputs), "pooling": pooling}
    labels = {**task.labels, "do": own["do"], "explained": own["explained"]}
    return Task("explain", VERSION, params, inputs, labels, network.places)


def _network_of(plan: Plan, features: Task) -> Task:
    """The network whose features a run extracted."""
    if "network" in features.inputs:
        return features.inputs["network"]
    return next(task for task in plan.find("finetune") if task.inputs.get("features") is features)


def _panel_task(plan: Plan, profile: str, shared: tuple, members: list[Task]) -> Task:
    labels = dict(zip(_PANEL, shared), do="panel", explained=shared[-1])
    synthetic = plan.target(labels["target"], profile).facts["synthetic"]
    words = f"{labels['target']}, {labels['backbone']}, {labels['method']}: the {shared[-1]} class"
    params = {
        "do": "panel",
        "chains": [task.labels["chain"] for task in members],
        "methods": members[0].params["options"]["methods"],
        "classes": members[0].params["classes"],
        "note": words + (" — synthetic radiographs" if synthetic else ""),
    }
    inputs = {f"maps{number}": task for number, task in enumerate(members)}
    return Task("explain", VERSION, params, inputs, labels, endures=True)


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Makes maps, draws a panel, measures, or spoils pictures; returns facts for the run's record."""
    if task.params["do"] == "panel":
        return _panel(task, folder, inputs)
    # What these import takes seconds, which planning need not wait for.
    if task.params["do"] == "robustness":
        from explain import robustness

        return robustness.write_scores(task, folder, inputs, note)
    from explain import explained

    work = {"maps": explained.write_maps, "measure": explained.write_measures}[task.params["do"]]
    return work(task, folder, inputs, note)


def _panel(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    import matplotlib
    import numpy as np

    from explain.panel import draw
    from indomain import files

    maps = {}
    for number, chain in enumerate(task.params["chains"]):
        path = inputs[f"maps{number}"] / "explanations.npz"
        # A network that diverged has none.
        if path.is_file():
            with np.load(path, allow_pickle=False) as saved:
                maps[chain] = dict(saved)
    if not maps:
        raise Diverged("no network to explain")
    # Names come from recipes: a dollar sign in them is one, and no formula.
    with files.written(folder / "panel.png") as temporary, matplotlib.rc_context({"text.parse_math": False}):
        draw(temporary, maps, task.params["methods"], task.params["classes"], task.params["note"])
    arrays = {f"{chain}/{name}": value for chain, found in maps.items() for name, value in found.items()}
    files.write_arrays(folder / "panel.npz", arrays)
    return {"chains": len(maps)}
