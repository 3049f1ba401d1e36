import pytest

from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from tests.studies import SMALL_STUDY, leave_network, small_study

MARKED = """
[targets.marked]
set = "small.toml:wrist"
chains = ["random"]
split = { scheme = "official", validation = 0.25 }
confounder = { share = 1.0 }
"""
EXPLAINED = """
[fusion]
classifiers = ["lda", "knn"]
save = ["lda"]
[explain]
images = 2
measure = 4
methods = ["grad-cam", "lime"]
explained = ["true", "predicted"]
samples = 20
segments = 9
lime_seeds = 2
[explain.robustness]
corruptions = ["gaussian-noise", "marker"]
severities = [1, 5]
"""


@pytest.fixture(scope="session")
def explained(tmp_path_factory, cache_dir):
    """A study with everything of explanations in it and its plan; nothing of it has been run."""
    study = small_study(tmp_path_factory.mktemp("explained"), cache_dir, SMALL_STUDY + MARKED + EXPLAINED)
    return study, make_plan(study)


@pytest.fixture(scope="session")
def networks(explained):
    """The same, after fine-tuning: its networks, which have learnt nothing, by their tasks' digests."""
    study, tasks = explained
    fitted = [task for task in find(tasks, "finetune") if task.tags.backbone == "dcnn-light-w0.125"]
    return {task.digest: leave_network(study, task, seed) for seed, task in enumerate(fitted)}


@pytest.fixture
def work(explained, networks, tmp_path):
    """The work of the planned run of a kind that explains a network."""

    def of(kind, target="wrist", chain="random", whose="true"):
        explaining = {} if kind == "robustness" else {"explained": whose}
        found = find(explained[1], "explain", kind, target=target, chain=chain, **explaining)
        task = next(task for task in found if "network" in task.inputs and task.input("network").digest in networks)
        return Work(task, tmp_path, {"network": networks[task.input("network").digest]})

    return of
