"""Small studies for unit tests of stages: a plan, and networks without training in the place of those fine-tuned."""

from pathlib import Path

from indomain import files
from indomain.artifacts import predictions
from indomain.data.images import confounders
from indomain.data.split import Split
from indomain.networks import architecture, inference, weights
from indomain.networks.options import Architecture
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Task
from tests.conftest import SMALL_MANIFEST

# Its chains and backbones are the smallest that can be fused and compared.
SMALL_STUDY = """
title = "Small study"
size = 32
backbones = [{ name = "dcnn-light", width = 0.125 }, { name = "dcnn-light", width = 0.25 }]
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "official", validation = 0.25 }
[sources.others]
set = "small.toml:all-but-wrist"
[baseline]
backbones = []
[chains]
random = ["random"]
in-domain = ["random", "others:supervised"]
"""


def small_study(folder: Path, cache_dir: Path, text: str = SMALL_STUDY, *settings: str) -> Study:
    """A study in a folder of its own; `settings` are words like "seeds=[0,1]"."""
    (folder / "small.toml").write_text(SMALL_MANIFEST)
    (folder / "study.toml").write_text(text)
    name, recipe, base = load_recipe(str(folder / "study.toml"), list(settings))
    return Study(name, recipe, base, RunsFolder(folder / "runs"), Path("none"), cache_dir, quiet=True)


def leave_network(study: Study, task: Task, seed: int) -> Path:
    """Finishes a run of fine-tuning with a network that has learnt nothing; returns its folder."""
    params, split = task.params, Split.open(task.paths)
    backbone = architecture.backbone(Architecture.of(params["backbone"]))
    model = architecture.with_scores(architecture.with_head(backbone, len(params["classes"]), 0.0))
    weights.initialise(model, seed)
    rows = split.labelled(params)
    held_out = rows[rows["split"] != "train"].reset_index(drop=True)
    with study.runs.working(task) as folder:
        assert folder is not None
        weights.save(model, folder / "model.keras")
        images = split.images(model.input_shape[-1])
        if "confounder" in params:
            images = confounders.marked(images, rows, params["confounder"])
        scores = inference.predict(model, images, held_out["row"].to_numpy())
        predictions.write(folder / "predictions.csv", held_out, scores, params["classes"])
        files.write_json(folder / "facts.json", {"images": int((rows["split"] == "train").sum())})
    return study.runs.folder(task)
