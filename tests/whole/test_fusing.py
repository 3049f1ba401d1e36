"""A recipe that fuses three networks by rules of features, of scores and of heads, alone, in pairs and together."""

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts.record import read_record
from indomain.commands.cli import main
from indomain.files import read_json
from tests.conftest import SMALL_MANIFEST

RECIPE = """
title = "Fused"
size = 32
backbones = [
    { name = "dcnn-light", width = 0.125 }, { name = "dcnn-light", width = 0.25 }, { name = "dcnn-light", width = 0.5 }
]
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "official", validation = 0.25 }
[baseline]
backbones = []
[chains]
random = ["random"]
[finetune]
strategies = ["off-the-shelf"]
[fusion]
strategy = "off-the-shelf"
classifiers = ["lda"]
networks = ["each", "all"]
subsets = [["dcnn-light-w0.125", "dcnn-light-w0.25"]]
rules = ["concat", "score-mean", "score-search"]
heads = ["score-mean", "score-weighted", "score-stacking", "score-search"]
tune = true
save = ["lda"]
pooling = ["mean", "std"]
[report]
"""
SINGLE = "dcnn-light-w0.125"
PAIR = f"{SINGLE}+dcnn-light-w0.25"
ALL = f"{PAIR}+dcnn-light-w0.5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache_dir):
    """The folder of the finished recipe."""
    top = tmp_path_factory.mktemp("fused")
    (top / "small.toml").write_text(SMALL_MANIFEST)
    (top / "fused.toml").write_text(RECIPE)
    command = ["run", str(top / "fused.toml"), "--runs-dir", str(top / "runs"), "--cache-dir", str(cache_dir)]
    assert main(command) == 0
    return top / "runs/fused"


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "table.csv")


@pytest.mark.parametrize("backbone", [SINGLE, "dcnn-light-w0.25"])
def test_a_network_alone_has_its_own_head_and_a_classifier_on_its_features(table, backbone):
    assert set(table.loc[table["backbone"] == backbone, "method"]) == {
        "off-the-shelf",
        "off-the-shelf features: lda, tuned",
    }


@pytest.mark.parametrize("group", [PAIR, ALL])
def test_networks_together_have_every_rule(table, group):
    features = {
        f"off-the-shelf {words}: lda, tuned" for words in ("fusion", "fusion by score-mean", "fusion by score-search")
    }
    heads = {f"off-the-shelf fusion by score-{rule}: own heads" for rule in ("mean", "weighted", "stacking", "search")}
    assert set(table.loc[table["backbone"] == group, "method"]) == features | heads


def test_every_row_has_its_number(table):
    assert table["mean"].notna().all()
    # Where every patient gives the same value there is no interval.
    without = table["ci_low"].isna()
    assert table.loc[~without, "ci_low"].le(table.loc[~without, "ci_high"]).all() and without.mean() < 0.25
    assert table.loc[without, "note"].str.contains("gives the same value|the same score").all()


def test_the_mean_of_the_heads_is_the_mean_of_the_networks_scores(folder):
    predictions = pd.read_csv(folder / "predictions.csv")
    own = predictions[(predictions["method"] == "off-the-shelf") & (predictions["split"] == "test")]
    mean = own.groupby("id")["score_abnormal"].mean()
    by_heads = predictions["method"] == "off-the-shelf fusion by score-mean: own heads"
    fused = predictions[by_heads & (predictions["backbone"] == ALL)].set_index("id")["score_abnormal"]
    np.testing.assert_allclose(fused, mean[fused.index], atol=1e-6)


def test_the_mean_of_scores_is_not_that_of_the_heads(folder):
    predictions = pd.read_csv(folder / "predictions.csv")
    of_all = predictions[(predictions["backbone"] == ALL) & (predictions["split"] == "test")].set_index("method")
    by_heads, by_lda = (of_all.loc[f"off-the-shelf fusion by score-mean: {who}"] for who in ("own heads", "lda, tuned"))
    assert by_heads["id"].tolist() == by_lda["id"].tolist()
    assert not np.allclose(by_heads["score_abnormal"], by_lda["score_abnormal"])


def classifiers(folder):
    """The runs of classifiers: their folders and what was asked of them."""
    runs = [(path, read_json(path / "task.json")) for path in (folder.parent / "work").glob("fusion-*")]
    return [(path, task) for path, task in runs if task["kind"] == "classify"]


def test_classifiers_that_are_to_be_kept_are_files(folder):
    runs = classifiers(folder)
    assert len(runs) == 9 and all((path / "classifier.skops").is_file() for path, _ in runs)


def test_a_search_reports_the_networks_that_it_chose(folder):
    searched = [path for path, task in classifiers(folder) if task["params"].get("rule") == "score-search"]
    weights = [read_record(path).facts["weights"] for path in searched]
    assert sorted(map(len, weights)) == [2, 3]
    assert all(sum(found) == pytest.approx(1, abs=1e-3) and len(set(found) - {0}) == 1 for found in weights)
