"""Whoever adds a rule, an explanation, a measure, an objective, a strategy, a metric or a figure adds one entry, from outside."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from explain.registry import EXPLANATIONS, MEASURES, Explanation, Measure
from finetune.strategies import STRATEGIES, Strategy
from fusion.registry import RULES, Rule
from indomain.artifacts.explanations import read_maps
from indomain.artifacts.record import read_record
from indomain.commands.cli import main
from indomain.files import read_json
from indomain.metrics import METRICS
from indomain.networks import architecture, inference, weights
from indomain.training.options import LearningOptions
from pretrain.objectives import OBJECTIVES, Objective
from report.figures import FIGURES, style
from report.figures.drawing import Drawing
from tests.conftest import SMALL_MANIFEST

HERE = __name__


def sums(blocks, classifier, components):
    """A rule of fusion: all features side by side, each of variance 1 whatever its block."""
    return Pipeline([("scale", StandardScaler()), ("classifier", classifier)])


def brightness(subject, seed):
    """An explanation: whatever is bright."""
    return subject.images.mean(axis=-1).astype(np.float32) / 255


def spread(subject, method, heat):
    """A measure: the standard deviation of a map."""
    return heat.std(axis=(1, 2))


def spread_of_nothing(subject):
    """Its control: an empty map."""
    return {"empty": np.zeros(len(subject.images))}


class RedrawnOptions(LearningOptions):
    """Options of an objective."""

    shift: int = 1


def redrawn(step):
    """An objective: weights drawn anew, with the brightness of the source's images as their seed."""
    images = step.images()(step.training_rows())
    weights.initialise(step.backbone, int(images.mean()) + step.options.shift)
    return {"images": len(images), "shift": step.options.shift}


def centroids(backbone, examples, num_classes, trainer):
    """A strategy: logits are inner products with the classes' mean features."""
    rows, y = examples.part("train")
    features = inference.predict(backbone, examples.images, rows)
    means = np.stack([features[y == number].mean(axis=0) for number in range(num_classes)], axis=1)
    network = architecture.with_head(backbone, num_classes, 0.0, ("centroids",))
    network.get_layer("logits").set_weights([means, -0.5 * (means**2).sum(axis=0)])
    return network, {"images": len(rows)}


def confidence(y, scores, drawn, positive):
    """A metric: the mean score of the class given."""
    return (drawn @ scores.max(axis=1)) / drawn.sum(axis=1)


def counts(material):
    """A figure: how many rows each chain has."""
    figure = style.new_figure((3, 2))
    chains = material.table["chain"].value_counts()
    figure.subplots().bar(chains.index, chains.to_numpy())
    figure.suptitle("Rows of each chain")
    yield Drawing("rows-of-each-chain", "Rows of each chain", figure)


RECIPE = """
title = "Extended"
size = 16
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
redrawn = ["random", "others:redrawn"]
[pretrain.redrawn]
shift = 7
[finetune]
strategies = ["centroids"]
[fusion]
strategy = "centroids"
classifiers = ["lda"]
rules = ["sums"]
[explain]
images = 2
measure = 4
methods = ["brightness"]
[report]
metrics = ["auroc", "confidence"]
test_metrics = ["confidence", "spread"]
"""


@pytest.fixture(scope="module")
def extended():
    """All seven are registered while the tests of this file run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "sums", Rule(f"{HERE}:sums"))
        patch.setitem(EXPLANATIONS, "brightness", Explanation(f"{HERE}:brightness", "Brightness"))
        patch.setitem(MEASURES, "spread", Measure(f"{HERE}:spread", controls=f"{HERE}:spread_of_nothing"))
        patch.setitem(OBJECTIVES, "redrawn", Objective(f"{HERE}:redrawn", RedrawnOptions))
        patch.setitem(STRATEGIES, "centroids", Strategy(f"{HERE}:centroids", options=frozenset(), head_only=True))
        patch.setitem(METRICS, "confidence", confidence)
        patch.setitem(FIGURES, "counts", f"{HERE}:counts")
        yield patch


@pytest.fixture(scope="module")
def run(extended, tmp_path_factory, cache_dir):
    """Runs the recipe, in a folder that is the same for all tests; returns its results."""
    top = tmp_path_factory.mktemp("extended")
    (top / "small.toml").write_text(SMALL_MANIFEST)
    (top / "extended.toml").write_text(RECIPE)

    def of(*settings):
        command = ["run", str(top / "extended.toml"), "--runs-dir", str(top / "runs"), "--cache-dir", str(cache_dir)]
        assert main([*command, *[word for setting in settings for word in ("--set", setting)]]) == 0
        return top / "runs/extended"

    return of


@pytest.fixture(scope="module")
def folder(run):
    return run()


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "table.csv")


def runs(folder, stage, kind=None, **params):
    """The folders of the finished runs of a stage, of a kind, with these parameters."""
    found = [(path, read_json(path / "task.json")) for path in (folder.parent / "work").glob(f"{stage}-*")]
    if kind:
        found = [(path, task) for path, task in found if task["kind"] == kind]
    return [path for path, task in found if params.items() <= {key: task["params"].get(key) for key in params}.items()]


def test_an_objective_is_one_entry(folder):
    learnt = runs(folder, "pretrain", objective="redrawn")
    assert len(learnt) == 2 and all(read_record(path).facts["shift"] == 7 for path in learnt)


def test_the_chain_of_an_objective_has_its_own_numbers(table):
    confidences = table[(table["method"] == "centroids") & (table["metric"] == "confidence")].pivot(
        index="backbone", columns="chain", values="mean"
    )
    assert len(confidences) == 2 and (confidences["random"] != confidences["redrawn"]).all()


def test_a_strategy_is_one_entry(folder, table):
    assert len(runs(folder, "finetune", strategy="centroids")) == 4
    assert table.loc[table["method"] == "centroids", "mean"].notna().all()


def test_a_rule_of_fusion_is_one_entry(folder, table):
    rows = table[table["method"] == "centroids fusion by sums: lda"]
    assert set(rows["chain"]) == {"random", "redrawn"} and rows["mean"].notna().all()
    assert len(runs(folder, "fusion", rule="sums")) == 2


def test_a_metric_is_one_entry(folder, table):
    predictions = pd.read_csv(folder / "predictions.csv")
    own = predictions[(predictions["split"] == "test") & (predictions["method"] == "centroids fusion by sums: lda")]
    expected = own[["score_normal", "score_abnormal"]].max(axis=1).groupby(own["chain"]).mean()
    rows = table[(table["metric"] == "confidence") & (table["method"] == "centroids fusion by sums: lda")].set_index(
        "chain"
    )
    np.testing.assert_allclose(rows["mean"], expected[rows.index], atol=1e-5)
    assert np.isfinite(rows.loc["redrawn", "difference"]) and "confidence" in (folder / "table.tex").read_text()


def test_an_explanation_is_one_entry(folder):
    maps = [read_maps(path) for path in runs(folder, "explain", "maps")]
    assert maps and all(np.allclose(one["brightness"], one["images"][..., 0] / 255) for one in maps)


def test_an_explanation_is_on_the_panel_and_the_page(folder):
    assert len(list(folder.glob("panel-wrist-*-centroids-strict.png"))) == 2
    # Photographs of the page: both panels and the most confident errors.
    assert (folder / "report.html").read_text().count("data:image/webp") == 3


def test_a_measure_is_one_entry(table):
    rows = table[(table["metric"] == "spread") & (table["method"] == "centroids, brightness, of the true class")]
    assert set(rows["chain"]) == {"random", "redrawn"} and rows["mean"].between(0, 1).all()


def test_a_measure_is_compared_and_on_the_page(folder, table):
    rows = table[(table["metric"] == "spread") & (table["chain"] == "redrawn")]
    assert rows["difference"].notna().any()
    trust = re.search(r'<section id="trust">.*?</section>', (folder / "report.html").read_text(), re.S).group()
    assert "<td>spread</td>" in trust


def test_a_control_of_a_measure_is_listed_once_and_compared_with_nothing(table):
    rows = table[(table["metric"] == "spread") & (table["method"] == "centroids, empty, of the true class")]
    assert rows["chain"].tolist() == ["random"] * 2 and set(rows["mean"]) == {0} and rows["difference"].isna().all()


def test_a_figure_is_one_entry(folder):
    assert (folder / "rows-of-each-chain.png").stat().st_size > 1000
    assert "Rows of each chain" in (folder / "report.html").read_text()


def test_a_figure_that_is_drawn_no_more_is_published_no_more(folder, run, extended):
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(FIGURES, "counts")
        assert (folder / "rows-of-each-chain.png").is_file()
        run("report.margin=0.03")
        assert not (folder / "rows-of-each-chain.png").exists() and (folder / "intervals-wrist.png").is_file()
