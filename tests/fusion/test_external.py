"""Classifiers on features that are tested on another set: fitted on the target alone, rows of their own."""

import numpy as np
import pandas as pd
import pytest

from fusion.external import KIND
from indomain.artifacts import fitted_classifier, predictions
from indomain.artifacts.features import read_features
from indomain.recipe.plan import make_plan
from indomain.runs import executor
from indomain.runs.stages import STAGES
from indomain.runs.task import find, unique
from tests.studies import SMALL_STUDY, small_study

ELSEWHERE = SMALL_STUDY.replace("[sources.others]", 'external = ["small.toml:elbow"]\n[sources.others]') + (
    '[finetune]\nepochs = 1\nstrategies = ["full"]\n[fusion]\nclassifiers = ["lda"]\nnetworks = ["each", "all"]\n'
)
ROW = "wrist → small.toml:elbow"


@pytest.fixture
def study(tmp_path, cache_dir):
    text = ELSEWHERE.replace('[sources.others]\nset = "small.toml:all-but-wrist"\n', "")
    text = text.replace('in-domain = ["random", "others:supervised"]\n', "")
    return small_study(tmp_path, cache_dir, text, "targets.wrist.split={scheme='kfold',folds=2}")


def test_every_classifier_of_the_target_is_tested_once_on_the_other_set_and_kept_for_it(study):
    tasks = make_plan(study)
    own, elsewhere = find(tasks, "fusion", "classify"), find(tasks, "fusion", KIND)
    assert {task.tags.target for task in elsewhere} == {ROW} and len(elsewhere) == len(own) == 6
    assert [task.input("classifier").digest for task in elsewhere] == [task.digest for task in own]
    # They are kept for it, but nobody has asked to have them explained.
    assert all(task.params["elsewhere"] and "save" not in task.params for task in own)
    assert {(task.tags.fold, task.tags.seed) for task in elsewhere} == {
        (task.tags.fold, task.tags.seed) for task in own
    }
    # Each network's features of the other set are computed once, for both groups that it is in.
    there = [task for task in find(tasks, "fusion", "features") if task.tags.target == ROW]
    assert len(unique(there)) == len({task.input("network").digest for task in there}) == 4


def test_nothing_else_changes_where_there_is_no_other_set(tmp_path, cache_dir, study):
    plain = small_study(tmp_path, cache_dir, ELSEWHERE.replace('external = ["small.toml:elbow"]\n', ""))
    tasks = make_plan(plain)
    assert not find(tasks, "fusion", KIND)
    assert not any("elsewhere" in task.params for task in find(tasks, "fusion", "classify"))


def test_each_layer_of_a_sweep_is_tested_there_and_each_profile_once(tmp_path, cache_dir):
    text = ELSEWHERE + 'sweep = { dcnn-light = ["pool", "block1"] }\n'
    text = text.replace("title =", 'profiles = ["strict", "paper"]\ntitle =', 1)
    tasks = make_plan(small_study(tmp_path, cache_dir, text))
    for stage in ("finetune", "fusion"):
        of_rows = [(task.tags, task.params["split"]) for task in find(tasks, stage, KIND)]
        assert len(of_rows) == len(set(of_rows)) and {tags.profile for tags, _ in of_rows} == {"strict", "paper"}
    swept = [task for task in find(tasks, "fusion", "classify") if task.tags.method.layer]
    there = {task.input("classifier").digest for task in find(tasks, "fusion", KIND)}
    assert swept and {task.digest for task in swept} <= there


def test_scores_are_those_of_the_fitted_classifier_on_features_of_the_other_set(study):
    tasks = make_plan(study)
    chosen = next(task for task in find(tasks, "fusion", KIND) if "+" in task.tags.backbone)
    executor.execute([task for task in tasks if task.stage in ("finetune", "fusion")], study.runs, quiet=True)
    table, _, scores = predictions.read(study.runs.folder(chosen) / "predictions.csv", chosen.params["classes"])
    split = study.external("wrist", "small.toml:elbow", "strict")
    assert len(table) == len(split.rows()) and set(table["split"]) == {"test"}
    rows = split.table().set_index("id").loc[table["id"], "row"].to_numpy()
    X = np.concatenate([read_features(study.runs.folder(task))(rows) for task in chosen.several("features")], axis=1)
    fitted = fitted_classifier.read(study.runs.folder(chosen.input("classifier")) / "classifier.skops", STAGES)
    np.testing.assert_allclose(fitted.predict_proba(X), scores, atol=1e-6)
    assert isinstance(table, pd.DataFrame) and np.isfinite(scores).all()
