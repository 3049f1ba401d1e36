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

from indomain import listings
from indomain.corruptions import CORRUPTIONS
from indomain.errors import Diverged, unknown
from indomain.metrics import OF_EXPLANATIONS
from indomain.planning import Plan, budget_label, share_or_shots
from indomain.progress import Note
from indomain.runs import Task
from indomain.schema import Table

VERSION = 2
Method = Literal["grad-cam", "grad-cam++", "lime"]
Whose = Literal["true", "predicted"]


class Robustness(Table):
    """[explain.robustness]: test images spoilt in graded severity."""

    corruptions: list[str] = []  # names in indomain.corruptions; empty: none
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
    return {"maps": _maps, "measure": _measure, "robustness": _robustness}[task.params["do"]](
        task, folder, inputs, note
    )


class _Explained:
    """What a `maps` or a `measure` run explains: pictures of its fold's test images, scores and maps."""

    def __init__(self, task: Task, inputs: dict[str, Path]) -> None:
        from explain import scorers
        from indomain import confounders, networks

        self.params, self.options = task.params, task.params["options"]
        self.listing = listings.reopen(task.places)
        params = task.params
        table = listings.labelled_rows(self.listing.table(params["fold"]), params["budget"], params["validation"])
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
            self.model = networks.load(inputs["network"] / "model.keras")
            self.score = scorers.of_network(self.model)
        self.scores = self.score(self.images.astype("float32"))
        self.chosen = self.y if params["explained"] == "true" else self.scores.argmax(axis=1)

    def maps(self, method: str, seed: int | None = None) -> Any:
        """float32 (N, rows, columns) by one method; `seed`: of LIME."""
        from explain.grad_cam import grad_cam, grad_cam_plus_plus
        from explain.lime_maps import lime

        if method == "lime":
            how = (self.options["samples"], self.options["segments"], self.options["seed"] if seed is None else seed)
            return lime(self.score, self.images, self.chosen, *how)
        by_gradient = {"grad-cam": grad_cam, "grad-cam++": grad_cam_plus_plus}[method]
        return by_gradient(self.model, self.images, self.chosen)

    def masks(self) -> Any:
        """uint8 (N, rows, columns), or None where the set has none."""
        import numpy as np

        every = self.listing.masks()
        if every is None:
            return None
        found = np.array(every[self.rows["row"].to_numpy()])
        # A finding speaks for its own class: what speaks for another one need not point at it.
        found[self.chosen != self.y] = 0
        return found


def _maps(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    from indomain import files

    what = _Explained(task, inputs)
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
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    queues = [[int(place) for place in order if y[place] == value] for value in sorted(set(y.tolist()), reverse=True)]
    chosen: list[int] = []
    while len(chosen) < min(number, len(y)):
        for queue in queues:
            if queue and len(chosen) < number:
                chosen.append(queue.pop(0))
    return chosen


def _measure(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    from explain import measures
    from explain.lime_maps import superpixels
    from indomain import files, networks

    what, asked = _Explained(task, inputs), task.params["measures"]
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
        # What a map that points anywhere would reach.
        shares = [measures.near(mask).mean() if (mask > 0).any() else np.nan for mask in masks]
        say("anywhere", "pointing", shares)
    if "randomisation" in asked and what.model is not None:
        # Last, as it spoils the network: every weight drawn anew, the classes explained as before.
        networks.initialise(what.model, what.options["seed"] + 1)
        for method, heat in maps.items():
            drawn = what.maps(method)
            say(method, "randomisation", [measures.rank_correlation(a, b) for a, b in zip(heat, drawn)])
    with files.written(folder / "measures.csv") as temporary:
        columns = ["id", "group", "explanation", "measure", "value"]
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False, float_format="%.8g")
    return {"images": len(what.images), "learnt": what.learnt}


def _robustness(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    import pandas as pd

    from explain import scorers
    from indomain import confounders, corruptions, files, networks

    params = task.params
    listing = listings.reopen(task.places)
    table = listings.labelled_rows(listing.table(params["fold"]), params["budget"], params["validation"])
    test = table[table["split"] == "test"].reset_index(drop=True)
    model = networks.load(inputs["network"] / "model.keras")
    images = listing.pictures(model.input_shape[-1])(test["row"].to_numpy())
    frames = []

    def look(name: str, severity: int, pictures: Any) -> None:
        found = pd.DataFrame(scorers.in_batches(model, pictures), columns=[f"score_{n}" for n in params["classes"]])
        frames.append(pd.concat([test[["id", "group", "y"]].assign(corruption=name, severity=severity), found], axis=1))

    if params.get("corruptions"):
        look("none", 0, images)
    every = [(name, severity) for name in params.get("corruptions", []) for severity in params["severities"]]
    for number, (name, severity) in enumerate(every):
        note(f"{name} {severity}", number / len(every))
        look(name, severity, corruptions.spoil(images, name, severity, params["seed"], test["id"].tolist()))
    if params.get("confounder"):
        for number, condition in enumerate(confounders.CONDITIONS):
            look(
                f"mark {condition}", number, confounders.tested_pictures(images, test, condition, params["confounder"])
            )
    with files.written(folder / "corrupted.csv") as temporary:
        pd.concat(frames).to_csv(temporary, index=False, float_format="%.8f")
    return {"images": len(test), "learnt": int((table["split"] == "train").sum())}


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
