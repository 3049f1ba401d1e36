"""A recipe with everything that a report can show: explanations, robustness, calibration, levels, reported numbers."""

import numpy as np
import pandas as pd
import pytest

from indomain.commands.cli import main
from indomain.data.images.confounders import CONDITIONS
from tests.conftest import SMALL_MANIFEST

RECIPE = """
title = "Everything"
size = 32
backbones = [{ name = "dcnn-light", width = 0.125 }]
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "official", validation = 0.25 }
[targets.marked]
set = "small.toml:wrist"
chains = ["random"]
split = { scheme = "official", validation = 0.25 }
confounder = { share = 1.0 }
[sources.others]
set = "small.toml:all-but-wrist"
[baseline]
backbones = []
[chains]
random = ["random"]
in-domain = ["random", "others:supervised"]
[pretrain.supervised]
epochs = 1
[finetune]
epochs = 1
[fusion]
classifiers = ["linear-svm"]
save = ["linear-svm"]
[explain]
images = 2
measure = 4
methods = ["grad-cam++", "lime"]
explained = ["true", "predicted"]
samples = 30
segments = 16
lime_seeds = 2
[explain.robustness]
corruptions = ["gaussian-noise", "marker"]
severities = [1, 5]
[report]
metrics = ["auroc", "calibration_error", "brier"]
calibrate = true
sensitivity = 0.8
levels = ["image", "study"]
rule = ["mean", "max"]
registry = "numbers.toml"
[report.beside]
theirs = { target = "wrist", chain = "in-domain", method = "full", level = "image" }
ours = { target = "wrist", chain = "random", method = "full", level = "image", same = true }
"""
NUMBERS = """
[theirs]
task = "wrist"
metric = "auroc"
value = 0.9
mark = "V"
source = "A paper"
[ours]
task = "wrist"
metric = "brier"
value = 0.2
mark = "V"
source = "Its supplement"
[nowhere]
task = "wrist"
metric = "auroc"
mark = "not found"
source = "No paper"
"""
BACKBONE = "dcnn-light-w0.125"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache_dir):
    """The folder of the finished recipe."""
    top = tmp_path_factory.mktemp("everything")
    (top / "small.toml").write_text(SMALL_MANIFEST)
    (top / "numbers.toml").write_text(NUMBERS)
    (top / "everything.toml").write_text(RECIPE)
    command = ["run", str(top / "everything.toml"), "--runs-dir", str(top / "runs"), "--cache-dir", str(cache_dir)]
    assert main(command) == 0
    return top / "runs/everything"


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "table.csv")


@pytest.fixture(scope="module")
def wrist(table):
    return table[table["target"] == "wrist"]


def cell(rows, column="mean", **words):
    """The one cell of a column in the row of these words."""
    for name, value in words.items():
        rows = rows[rows[name] == value]
    return rows[column].item()


def test_a_second_run_does_nothing(folder, cache_dir, capsys):
    top = folder.parent
    command = ["run", str(top.parent / "everything.toml"), "--runs-dir", str(top), "--cache-dir", str(cache_dir)]
    assert main(command) == 0 and "Everything was done already" in capsys.readouterr().out


# Explanations.


@pytest.mark.parametrize("whose", ["true", "predicted"])
@pytest.mark.parametrize("method", ["grad-cam++", "lime"])
def test_each_explanation_of_each_class_has_its_measures(wrist, method, whose):
    metrics = set(wrist.loc[wrist["method"] == f"full, {method}, of the {whose} class", "metric"])
    expected = {"overlap", "energy", "deletion", "insertion", "randomisation"} if whose == "true" else {"deletion"}
    assert expected <= metrics and ("stability" in metrics) == (method == "lime")


def test_a_fused_classifier_is_explained_by_what_needs_no_gradients(wrist):
    fused = wrist[wrist["method"].str.startswith("features: linear-svm, ")]
    assert not fused["method"].str.contains("grad-cam").any()
    metrics = set(fused.loc[fused["method"] == "features: linear-svm, lime, of the true class", "metric"])
    assert {"pointing", "deletion", "stability"} <= metrics and "randomisation" not in metrics


def test_where_maps_point_is_compared_with_the_reference_chain(wrist):
    pointing = wrist[(wrist["metric"] == "pointing") & (wrist["chain"] == "in-domain")]
    compared = pointing[pointing["method"] == "full, lime, of the true class"]
    # One network of each chain: the difference is listed, and nothing is said about the chains.
    assert compared["difference"].notna().all() and (compared["compared_with"] == "random").all()
    assert (compared["family"] == "one training").all() and compared[["p_value", "verdict"]].isna().all(axis=None)


@pytest.mark.parametrize("control", ["anywhere", "at the middle"])
def test_what_a_map_without_knowledge_reaches_is_listed_once(wrist, control):
    rows = wrist[wrist["method"].str.contains(f"{control}, of the true")]
    assert set(rows["chain"]) == {"random"} and rows["p_value"].isna().all() and rows["mean"].between(0, 1).all()


@pytest.mark.parametrize("name", ["full-strict", "full-strict-predicted", "features-linear-svm-strict"])
def test_every_panel_is_a_file_beside_the_page(folder, name):
    assert (folder / f"panel-wrist-{BACKBONE}-{name}.png").is_file()


# Robustness.


def test_the_area_under_a_corruption_is_the_mean_of_its_points(folder, wrist):
    curves = pd.read_csv(folder / "robustness.csv")
    own = curves[(curves["target"] == "wrist") & (curves["chain"] == "random")].groupby("corruption")["mean"].mean()
    found = wrist[wrist["chain"] == "random"].set_index("metric")["mean"]
    assert found["auroc under gaussian-noise"] == pytest.approx(own["gaussian-noise"], abs=1e-5)
    assert found["auroc under no corruption"] == pytest.approx(own["none"], abs=1e-5)
    assert found["auroc under corruption"] == pytest.approx(own[["gaussian-noise", "marker"]].mean(), abs=1e-5)


def test_images_as_they_are_give_the_tables_own_number(wrist):
    clean = cell(wrist, chain="random", metric="auroc under no corruption")
    assert clean == pytest.approx(cell(wrist, chain="random", method="full", metric="auroc", level="image"), abs=1e-5)


def test_each_condition_of_a_marker_is_a_row(table):
    marked = table[table["target"] == "marked"]
    assert {f"auroc, marker {condition}" for condition in CONDITIONS} <= set(marked["metric"])


def test_classifiers_see_no_images_with_a_marker(table):
    marked = table[table["target"] == "marked"]
    assert len(marked) and not marked["method"].str.startswith("features").any()


@pytest.mark.parametrize("name", [f"robustness-wrist-{BACKBONE}", f"robustness-marker-marked-{BACKBONE}"])
def test_robustness_has_its_figures(folder, name):
    assert (folder / f"{name}.png").is_file()


# Calibration, the operating point, and levels.


def test_images_and_studies_are_counted_these_by_each_rule(wrist):
    assert set(wrist["level"].dropna()) == {"image", "study, mean", "study, max"}


def test_calibrated_scores_have_the_metrics_that_a_temperature_changes(wrist):
    calibrated = wrist[wrist["method"] == "full, calibrated"]
    assert set(calibrated["metric"]) == {"calibration_error", "brier"} and calibrated["mean"].notna().all()


def test_a_classifier_that_learnt_from_the_validation_images_is_not_calibrated_on_them(wrist):
    assert not wrist["method"].str.startswith("features: linear-svm, calibrated").any()


def test_specificity_is_stated_at_the_sensitivity_asked_for(wrist):
    at = wrist[wrist["metric"] == "specificity at sensitivity 0.8"].set_index("method")
    assert at.loc["full", "mean"].between(0, 1).all()
    assert at.loc["features: linear-svm", "note"].str.contains("no validation images left").all()


def test_reliability_is_drawn(folder):
    assert list(folder.glob("reliability-wrist-*.png"))


# Reported numbers.


def test_a_reported_number_is_listed_next_to_its_rows(table):
    given = table[table["reported"].notna()]
    rows = given[["chain", "metric", "reported", "reported_source"]].itertuples(index=False, name=None)
    assert set(rows) == {("in-domain", "auroc", 0.9, "A paper"), ("random", "brier", 0.2, "Its supplement")}


def test_a_difference_is_printed_only_where_data_and_split_are_the_papers(table):
    given = table[table["reported"].notna()].set_index("metric")
    brier = given.loc["brier"]
    assert np.isnan(given.loc["auroc", "minus_reported"])
    assert brier["minus_reported"] == pytest.approx(brier["mean"] - 0.2, abs=1e-5)


# The page.


@pytest.mark.parametrize("part", ["trust", "robustness", "explanations", "reported", "ours"])
def test_the_page_has_a_part_for_each(folder, part):
    assert f'<section id="{part}">' in (folder / "report.html").read_text()


def test_the_page_lists_every_reported_number_those_that_are_not_known_too(folder):
    page = (folder / "report.html").read_text()
    assert "What the paper and its neighbours report" in page and "ours − reported" in page and "not available" in page


def test_explanations_have_a_table_of_their_own_in_latex(folder):
    assert (folder / "table.tex").read_text().count("\\setlength") == 2


def test_networks_are_tested_elsewhere_and_by_subgroup(indomain, small_manifest, here):
    text = (
        'title = "Elsewhere"\nsize = 32\nseeds = [0, 1]\nbackbones = [{ name = "dcnn-light", width = 0.125 }]\n'
        '[targets.wrist]\nset = "small.toml:wrist"\nsplit = { scheme = "kfold", folds = 2, validation = 0.25 }\n'
        'external = ["small.toml:elbow"]\nby = ["view"]\n[baseline]\nbackbones = []\n[chains]\nrandom = ["random"]\n'
        "[finetune]\nepochs = 1\n"
    )
    (here / "elsewhere.toml").write_text(text)
    status, _, err = indomain("run", "elsewhere.toml")
    assert status == 0, err
    table = pd.read_csv(here / "runs/elsewhere/table.csv")
    rows = table[table["metric"] == "auroc"].set_index("target")
    assert set(rows.index) == {"wrist", "wrist → small.toml:elbow"}
    # Two folds of two seeds: four trainings, all of which are tested on the whole other set.
    assert (
        rows.loc["wrist → small.toml:elbow", "n_runs"] == 4 and rows.loc["wrist → small.toml:elbow", "n_patients"] == 16
    )
    groups = pd.read_csv(here / "runs/elsewhere/subgroups.csv")
    assert set(groups["column"]) == {"view"} and groups["note"].str.startswith("too small").any()
    html = (here / "runs/elsewhere/report.html").read_text()
    assert 'id="subgroups"' in html and "small.toml:elbow" in html
