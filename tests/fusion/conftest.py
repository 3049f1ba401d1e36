from collections import OrderedDict

import pytest

from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.studies import SMALL_STUDY, leave_network, small_study


@pytest.fixture(autouse=True)
def nothing_made(monkeypatch):
    """Nothing is remembered of other tests."""
    monkeypatch.setattr("fusion.memo._MADE", OrderedDict())
    monkeypatch.setattr("fusion.memo._SIZES", {})


FUSED = """
[fusion]
classifiers = ["lda", "naive-bayes"]
rules = ["concat", "score-weighted"]
heads = ["score-mean", "score-weighted", "score-stacking"]
networks = ["each", "all"]
save = ["lda"]
"""


@pytest.fixture(scope="session")
def fused(tmp_path_factory, cache_dir):
    """A study with everything of fusion in it and its plan; nothing of it has been run."""
    study = small_study(tmp_path_factory.mktemp("fused"), cache_dir, SMALL_STUDY + FUSED)
    return study, make_plan(study)


@pytest.fixture(scope="session")
def fitted(fused):
    """The same, after fine-tuning: its networks, which have learnt nothing, by their tasks' digests."""
    study, tasks = fused
    networks = find(tasks, "finetune", chain="random")
    return {task.digest: leave_network(study, task, seed) for seed, task in enumerate(networks)}


ADAPTING = """
title = "Small adaptation"
size = 32
seeds = [0, 1]
drop_leaks = true
backbones = [{ name = "dcnn-light", width = 0.125 }]
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "kfold", folds = 2, validation = 0.25 }
adapt_from = ["elbow"]
[sources.elbow]
set = "small.toml:elbow"
use = ["train", "test"]
[baseline]
backbones = []
[chains]
random = ["random"]
[finetune]
strategies = ["full", "off-the-shelf"]
[fusion.adaptation]
methods = ["domain-classifier", "kliep", "subspace-alignment", "coral", "linear-ot"]
oracle = true
"""


@pytest.fixture(scope="session")
def adapting(tmp_path_factory, cache_dir):
    """A study whose target learns from another set, and its plan; nothing of it has been run."""
    study = small_study(tmp_path_factory.mktemp("adapting"), cache_dir, ADAPTING)
    return study, make_plan(study)
