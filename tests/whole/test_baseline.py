"""The row that every chain has to beat, and groups of networks of several chains: one small recipe, run once."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from indomain.artifacts.features import read_features
from indomain.commands.cli import main
from indomain.recipe.recipe import BASELINE
from tests.conftest import SMALL_MANIFEST

RECIPE = """
title = "The bar"
size = 32
seeds = [0, 1]
backbones = [{ name = "dcnn-light", width = 0.125 }, { name = "squeezenet", chains = ["imagenet"] }]
drop_leaks = true
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "kfold", folds = 2, validation = 0.25 }
[baseline]
backbones = [{ name = "efficientnet-lite0", size = 48 }, "squeezenet"]
[chains]
random = ["random"]
imagenet = ["imagenet"]
[finetune]
epochs = 1
strategies = ["off-the-shelf", "full"]
[fusion]
classifiers = ["lda"]
strategy = "off-the-shelf"
heads = ["score-mean"]
[fusion.groups]
both = ["imagenet/*", "random/dcnn-light-w0.125"]
[explain]
images = 0
measure = 0
[explain.robustness]
corruptions = []
"""
FUSED = "efficientnet-lite0-48px+squeezenet"
LOGISTIC = "off-the-shelf fusion: logistic-regression"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache_dir):
    """The folder of the finished recipe."""
    top = tmp_path_factory.mktemp("bar")
    (top / "small.toml").write_text(SMALL_MANIFEST)
    (top / "bar.toml").write_text(RECIPE)
    command = ["run", str(top / "bar.toml"), "--runs-dir", str(top / "runs"), "--cache-dir", str(cache_dir)]
    assert main(command) == 0
    return top / "runs/bar"


@pytest.fixture(scope="module")
def table(folder):
    table = pd.read_csv(folder / "table.csv")
    return table[table["metric"] == "auroc"]


def test_the_baseline_has_each_network_alone_and_all_fused(table):
    rows = table[table["chain"] == BASELINE].set_index("backbone")["method"].to_dict()
    assert rows == {"efficientnet-lite0-48px": "off-the-shelf", "squeezenet": "off-the-shelf", FUSED: LOGISTIC}


def test_what_does_not_depend_on_the_seed_is_run_once_a_fold(table):
    assert (table.loc[table["chain"] == BASELINE, "n_runs"] == 2).all()


def test_the_baseline_is_compared_with_nothing(table):
    assert table.loc[table["chain"] == BASELINE, "difference"].isna().all()


def predictions(folder, **tags):
    frame = pd.read_csv(folder / "predictions.csv")
    for name, value in tags.items():
        frame = frame[frame[name] == value]
    return frame


def test_all_others_are_compared_with_the_imagenet_row_that_is_best_on_validation_images(folder, table):
    from sklearn.metrics import roc_auc_score

    frame = predictions(folder, split="val")
    frame = frame[frame["chain"].isin([BASELINE, "imagenet"])]
    runs = frame.groupby(["chain", "backbone", "method", "fold", "seed"])
    scores = runs.apply(lambda part: roc_auc_score(part["label"] == "abnormal", part["score_abnormal"]))
    means = scores.groupby(["chain", "backbone", "method"]).mean()
    best = ", ".join(means.idxmax())
    own = table[table["difference"].notna() & (table["chain"] != "both")]
    assert set(own["compared_with"]) == {best} and len(own) > 3


def test_the_fused_validation_scores_have_not_learnt_from_the_validation_images(folder):
    """Ten lines of scikit-learn on the stored features give the same scores."""
    runs = {}
    for path in (folder.parent / "work").glob("*/task.json"):
        runs[path.parent] = json.loads(path.read_text())
    path, task = next((p, t) for p, t in runs.items() if t["params"].get("validate") and t["params"]["fold"] == 0)
    split = pd.read_csv(next((folder.parent / "work").glob("split-*/split.csv")), dtype={"split": str})
    rows = split[split["fold"] == 0] if "fold" in split else split
    given = [p for p, t in runs.items() if t["stage"] == "finetune" and t["kind"] == "features"]
    sizes = {p: read_features(p)(np.array([rows["row"].iloc[0]])).shape[1] for p in given}
    blocks = [read_features(p)(rows["row"].to_numpy()) for p, width in sizes.items() if width in (1280, 512)]
    blocks = [StandardScaler().fit(b[rows["split"] == "train"]).transform(b) / np.sqrt(b.shape[1]) for b in blocks]
    X, learnt = np.concatenate(blocks, axis=1), (rows["split"] == "train").to_numpy()
    y = (rows["y"] == rows["y"].max()).to_numpy()
    plain = LogisticRegression(class_weight="balanced", max_iter=5000).fit(X[learnt], y[learnt])
    expected = pd.Series(plain.predict_proba(X)[:, 1], rows["id"])
    found = pd.read_csv(path / "predictions.csv")
    found = found[found["split"] == "val"].set_index("id")["score_abnormal"]
    np.testing.assert_allclose(found, expected[found.index], atol=5e-3)


def test_a_group_fuses_networks_of_several_chains(table):
    rows = table[table["chain"] == "both"]
    members = "imagenet/squeezenet+random/dcnn-light-w0.125"
    assert set(rows["backbone"]) == {members} and set(rows["method"]) == {
        "off-the-shelf fusion: lda",
        "off-the-shelf fusion by score-mean: own heads",
    }


def test_of_a_group_each_seed_has_a_run_with_what_depends_on_no_seed_in_all_of_them(folder, table):
    assert (table.loc[table["chain"] == "both", "n_runs"] == 4).all()
    heads = predictions(folder, split="test", method="off-the-shelf fusion by score-mean: own heads", chain="both")
    own = predictions(folder, split="test", method="off-the-shelf")
    for seed in (0, 1):
        mine = own[(own["chain"] == "random") & (own["seed"] == seed)].set_index("id")["score_abnormal"]
        fixed = own[own["chain"] == "imagenet"].set_index("id")["score_abnormal"]
        fused = heads[heads["seed"] == seed].set_index("id")["score_abnormal"]
        np.testing.assert_allclose(fused, (mine[fused.index] + fixed[fused.index]) / 2, atol=1e-6)


def test_the_answer_names_the_bar(folder):
    text = (folder / "report.html").read_text()
    assert "the best ImageNet row (by validation: " in text.replace("&#34;", '"')
