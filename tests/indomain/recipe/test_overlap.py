"""An exported model as a beginning: it is not tested on what it has learnt from, unless that is said."""

import pytest

from indomain.errors import RequestError
from indomain.recipe import overlap
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find
from tests.indomain.models.conftest import command, network, ran  # noqa: F401 - fixtures

SHARED = """
title = "From a shared model"
size = 32
backbones = ["squeezenet"]
[targets.TARGET]
set = "small.toml:TARGET"
split = { scheme = "official", validation = 0.25 }
[baseline]
backbones = []
[chains]
shared = ["model:network"]
imagenet = ["imagenet"]
"""
FOLDS = "targets.elbow.split={scheme='kfold',folds=2,validation=0.25}"


@pytest.fixture
def planned(ran, network, cache_dir):  # noqa: F811
    def plan(target, *settings):
        (ran / "shared.toml").write_text(SHARED.replace("TARGET", target))
        name, recipe, base = load_recipe(str(ran / "shared.toml"), list(settings))
        study = Study(name, recipe, base, RunsFolder(ran / "runs"), ran, cache_dir, quiet=True)
        return study, make_plan(study)

    return plan


def test_a_model_that_has_learnt_from_test_images_is_refused(planned):
    # It was pretrained on the training images of all parts but the wrist; in folds, those of the elbow are tested on, too.
    with pytest.raises(
        RequestError, match=r"model:network has learnt from \d+ of the \d+ test images of target 'elbow'.*leaks"
    ):
        planned("elbow", FOLDS)


def test_leaks_that_are_kept_are_counted_on_the_page(planned):
    study, tasks = planned("elbow", FOLDS, "targets.elbow.leaks=kept")
    chain = study.recipe.chain("shared")
    count, of = overlap.learnt_from(study, chain, "elbow", "strict")
    assert 0 < count <= of
    beginnings = {tuple(one["chains"]): one for one in find(tasks, "report")[-1].params["beginnings"]}
    assert f"yes: {count} of {of} test images" in beginnings["shared",]["exposure"]["elbow"]


def test_a_model_that_has_not_is_a_beginning_with_its_own_weights(planned, network):  # noqa: F811
    study, tasks = planned("wrist")
    (task,) = find(tasks, "finetune", chain="shared")
    assert task.paths["start"] == str((network / "network-0.keras").absolute()) and task.params["start"].startswith(
        "sha256:"
    )
    assert overlap.words(study, study.recipe.chain("shared"), "wrist") == "no test image, by hashes"


def test_another_backbone_does_not_run_it(planned):
    with pytest.raises(RequestError, match=r"no chain of target 'wrist' can run|starts"):
        planned("wrist", "backbones=['dcnn-light']", "chains={shared=['model:network']}")
