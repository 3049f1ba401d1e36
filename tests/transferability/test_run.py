"""Runs of transferability, on networks that have learnt nothing, and on outcomes that are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import predictions, source_head
from indomain.artifacts.features import write_features
from indomain.artifacts.record import read_record
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs import worker
from indomain.runs.task import find
from tests.studies import small_study
from tests.transferability.test_plan import AFTER_IMAGENET, DISTANCES, MEASURED, THREE
from transferability.run import STATIC, _rows

WORTH = {"random": 0.0, "others": 1.5, "alike": 4.0}


@pytest.fixture
def study(tmp_path, cache_dir):
    return small_study(
        tmp_path, cache_dir, THREE, *MEASURED, "backbones=[{ name='dcnn-light', width=0.125 }]", "seeds=[0, 1]"
    )


def leave(study, task, act):
    """Finishes a run by hand."""
    from indomain import files

    with study.runs.working(task) as folder:
        if folder is not None:
            files.write_json(folder / "facts.json", act(folder) or {})
    return study.runs.folder(task)


def features_that_say(study, task, worth, permute_test=False):
    split = Split.open(task.paths)
    table = split.every_fold().drop_duplicates("row").sort_values("row")
    y = np.where(table["split"] == "test", 1 - table["y"], table["y"]) if permute_test else table["y"].to_numpy()
    noise = np.random.default_rng(0).normal(size=(len(table), 6))
    noise[:, 0] += worth * np.asarray(y)
    return lambda folder: write_features(folder, table["row"].to_numpy(), noise.astype(np.float32))


def scores_that_rank(task, worth):
    """Predictions of the test images whose AUROC grows with `worth`."""

    def write(folder):
        rows = Split.open(task.paths).labelled(task.params)
        held_out = rows[rows["split"] != "train"].reset_index(drop=True)
        value = np.random.default_rng(task.tags.seed).normal(size=len(held_out)) + worth * held_out["y"].to_numpy()
        second = 1 / (1 + np.exp(-value))
        predictions.write(
            folder / "predictions.csv", held_out, np.stack([1 - second, second], axis=1), task.params["classes"]
        )

    return write


def done(study, permute_test=False):
    tasks = make_plan(study)
    for task in find(tasks, "finetune", "features"):
        leave(study, task, features_that_say(study, task, WORTH[task.tags.chain], permute_test))
    for task in find(tasks, "finetune"):
        leave(study, task, scores_that_rank(task, WORTH[task.tags.chain]))
    for task in [task for task in tasks if task.stage == "transferability"]:
        worker.run_one(task, study.runs)
    return tasks


def test_measures_rank_what_features_say(study):
    tasks = done(study)
    found = {
        task.tags.chain: read_record(study.runs.folder(task)).facts["measures"]
        for task in find(tasks, "transferability", "measure")
        if task.tags.seed == 0
    }
    assert found["random"]["logme"] < found["others"]["logme"] < found["alike"]["logme"]
    assert found["random"]["knn"] < found["alike"]["knn"]


def test_the_judgement_finds_the_planted_order(study):
    (judge,) = find(done(study), "transferability", "judge")
    folder = study.runs.folder(judge)
    table = pd.read_csv(folder / "transferability.csv").set_index(["outcome", "measure"])
    assert table.loc[("full", "logme"), "regret"] == 0 and table.loc[("full", "logme"), "in_top"] == 1
    # Of three chains on a single target no correlation is told.
    assert table["tau"].isna().all()
    assert table.loc[("full", "log source size"), "looks_at_images"] == False  # noqa: E712 - a NumPy value
    assert table.loc[("full", "random choice"), "regret"] > 0
    # One target has no others to rank by.
    assert ("full", STATIC) not in table.index
    matrix = pd.read_csv(folder / "matrix.csv")
    assert set(matrix["outcome"]) == {"full", "off-the-shelf"} and (matrix["n_runs"] == 2).all()
    order = matrix[matrix["outcome"] == "full"].set_index("chain")["auroc"]
    assert order["random"] < order["others"] < order["alike"]


def test_test_images_change_no_measure_by_a_bit(tmp_path, cache_dir):
    found = []
    for permuted in (False, True):
        folder = tmp_path / str(permuted)
        folder.mkdir()
        study = small_study(folder, cache_dir, THREE, *MEASURED, "backbones=[{ name='dcnn-light', width=0.125 }]")
        tasks = done(study, permuted)
        found.append(
            [
                read_record(study.runs.folder(task)).facts["measures"]
                for task in find(tasks, "transferability", "measure")
            ]
        )
    assert found[0] == found[1]


def test_several_targets_have_a_correlation(study):
    tasks = done(study)
    (judge,) = find(tasks, "transferability", "judge")
    gains = pd.DataFrame({"a": [0.1, 0.5, 0.9], "b": [0.2, 0.6, 0.7]}, ["random", "others", "alike"])
    scores = gains.reset_index(names="chain").melt("chain", var_name="target", value_name="logme").assign(knn=0.5)
    work = SimpleNamespace(params=judge.params)
    rows = {row["measure"]: row for row in _rows(work, gains, scores, "n", "full")}
    assert rows["logme"]["tau"] == pytest.approx(1) and rows["logme"]["null_band"] == 1
    assert np.isnan(rows["knn"]["tau"]) and rows["knn"]["regret"] == pytest.approx(
        gains.max().mean() - gains.mean().mean()
    )
    assert rows[STATIC]["tau"] == pytest.approx(1)


def test_heads_and_distances_rank_what_was_planted(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir, AFTER_IMAGENET, *DISTANCES)
    tasks = make_plan(study)
    learnt = np.zeros((6, 2), np.float32)
    learnt[0, 1] = 4
    for task in find(tasks, "pretrain"):
        leave(study, task, lambda folder: source_head.write(folder, learnt, np.zeros(2, np.float32)))
    for task in find(tasks, "finetune", "features"):
        worth = 1.0 if task.tags.source else {"imagenet": 1.0, "others": 3.0, "alike": 1.0}[task.tags.chain]
        leave(study, task, features_that_say(study, task, worth))
    for task in find(tasks, "finetune"):
        leave(study, task, scores_that_rank(task, 1.0))
    for task in [task for task in tasks if task.stage == "transferability"]:
        worker.run_one(task, study.runs)
    found = {
        task.tags.chain: read_record(study.runs.folder(task)).facts["measures"]
        for task in find(tasks, "transferability", "measure")
    }
    # The classes that `others` has learnt are those of the target; the other chains have no head.
    assert -0.5 < found["others"]["leep"] < 0 and found["alike"]["leep"] is None is found["imagenet"]["leep"]
    assert found["imagenet"]["cka"] == pytest.approx(1) and found["others"]["cka"] < 1
    # A distance counts as its negative.
    assert found["others"]["frechet"] < 0 and found["imagenet"]["frechet"] is None
    assert found["others"]["otdd"] < 0 and found["alike"]["otdd"] is None
    (judge,) = find(tasks, "transferability", "judge")
    table = pd.read_csv(study.runs.folder(judge) / "transferability.csv").set_index("measure")
    assert (
        table.loc["cka", "sources"] == 3 and table.loc["leep", "sources"] == 0 and np.isnan(table.loc["leep", "regret"])
    )


def test_a_pretraining_that_kept_no_head_is_named_before_any_work(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir, AFTER_IMAGENET, *DISTANCES, "transferability.measures=['leep']")
    for task in find(make_plan(study), "pretrain"):
        leave(study, task, lambda folder: {})
    with pytest.raises(RequestError, match="pretrain-.* has no head.npz: it was run before heads were kept"):
        make_plan(study)
