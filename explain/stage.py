"""Stage 4, explanations: Grad-CAM and LIME for the same test images, for every chain.

    python -m explain RECIPE

Reads fine-tuned networks of the first seed and fold. A `maps` run writes `explanations.npz` for one network (images,
maps, scores); a `panel` run draws `panel.png` with every chain side by side, and keeps the arrays beside it.
Feeds the figures of the page.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from indomain import listings
from indomain.errors import Diverged
from indomain.planning import Plan
from indomain.progress import Note
from indomain.runs import Task
from indomain.schema import Table

VERSION = 1


class Options(Table):
    """[explain]: images = 0 for no explanations."""

    images: int = Field(default=0, ge=0)  # test images, the same for every chain, classes in turn
    methods: list[Literal["grad-cam", "lime"]] = ["grad-cam", "lime"]
    explained: Literal["true", "predicted"] = "true"  # whose class; "true" is the same for every chain
    samples: int = Field(default=1000, ge=10)  # LIME
    segments: int = Field(default=60, ge=4)  # LIME's superpixels
    seed: int = 0


def plan(plan: Plan) -> list[Task]:
    """One task for the maps of each network, one for each panel."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("explain", Options, profile)
        if not options.images or not options.methods:
            continue
        panels: dict[tuple, list[Task]] = {}
        for network in plan.find("finetune", profile=profile, fold=0, seed=plan.seeds(profile)[0]):
            # One panel for each target, backbone and strategy; of several label budgets the last, largest one.
            if (
                network.labels["budget"]
                != plan.find("finetune", profile=profile, target=network.labels["target"])[-1].labels["budget"]
            ):
                continue
            keys = ("listing", "fold", "budget", "validation", "backbone", "classes", "compute")
            params = {"do": "maps", "options": options.model_dump(), **{key: network.params[key] for key in keys}}
            maps = Task(
                "explain", VERSION, params, {"network": network}, {**network.labels, "do": "maps"}, network.places
            )
            tasks.append(maps)
            shared = tuple(network.labels[key] for key in ("profile", "target", "backbone", "method", "budget"))
            panels.setdefault(shared, []).append(maps)
        for shared, members in panels.items():
            labels = dict(zip(("profile", "target", "backbone", "method", "budget"), shared), do="panel")
            synthetic = plan.target(labels["target"], profile).facts["synthetic"]
            params = {
                "do": "panel",
                "chains": [task.labels["chain"] for task in members],
                "methods": options.methods,
                "classes": members[0].params["classes"],
                "note": f"{labels['target']}, {labels['backbone']}" + (" — synthetic radiographs" if synthetic else ""),
            }
            inputs = {f"maps{number}": task for number, task in enumerate(members)}
            tasks.append(Task("explain", VERSION, params, inputs, labels, endures=True))
    return tasks


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Makes one network's maps, or draws one panel; returns facts for the run's record."""
    return _maps(task, folder, inputs, note) if task.params["do"] == "maps" else _panel(task, folder, inputs)


def _maps(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:

    from explain.grad_cam import grad_cam
    from explain.lime_maps import lime
    from indomain import files, networks

    options = Options.model_validate(task.params["options"])
    listing = listings.reopen(task.places)
    table = listings.labelled_rows(listing.table(task.params["fold"]), task.params["budget"], task.params["validation"])
    test = table[table["split"] == "test"].reset_index(drop=True)
    chosen = test.iloc[choose(test["y"].to_numpy(), options.images, options.seed)]
    model = networks.load(inputs["network"] / "model.keras")
    pictures = listing.pictures(task.params["backbone"]["shape"][-1])
    images, y = pictures(chosen["row"].to_numpy()), chosen["y"].to_numpy()
    scores = networks.predict(model, pictures, chosen["row"].to_numpy())
    explained = y if options.explained == "true" else scores.argmax(axis=1)
    arrays = {
        "images": images,
        "y": y,
        "explained": explained,
        "scores": scores,
        "id": chosen["id"].to_numpy().astype(str),
    }
    if "grad-cam" in options.methods:
        arrays["grad-cam"] = grad_cam(model, images, explained)
    if "lime" in options.methods:
        note(f"LIME, {options.samples} samples an image")
        arrays["lime"] = lime(model, images, explained, options.samples, options.segments, options.seed)
    masks = listing.masks()
    if masks is not None:
        arrays["masks"] = masks[chosen["row"].to_numpy()]
    files.write_arrays(folder / "explanations.npz", arrays)
    return {"images": len(images)}


def choose(y: Any, number: int, seed: int) -> list[int]:
    """Places of `number` images in `y`, the classes in turn from the last (the positive one), at random within a class."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    queues = [[int(place) for place in order if y[place] == value] for value in sorted(set(y.tolist()), reverse=True)]
    chosen: list[int] = []
    while len(chosen) < min(number, len(y)):
        for queue in queues:
            if queue and len(chosen) < number:
                chosen.append(queue.pop(0))
    return chosen


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
