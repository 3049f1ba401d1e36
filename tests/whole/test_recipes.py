"""Recipes as a user runs them: what a finished one leaves, what a change redoes, and wrong ones."""

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from indomain.commands.cli import main
from tests.whole.small import LESS, same_table, settings

COLUMNS = {
    "target", "chain", "backbone", "method", "metric", "mean", "ci_low", "ci_high", "n_runs", "n_images", "p_value",
    "compared_with", "reported", "reported_source",
}  # fmt: skip


@pytest.fixture(scope="module")
def results(finished) -> Path:
    """What a finished recipe leaves for people."""
    return finished / "runs/tiny"


@pytest.fixture(scope="module")
def table(results) -> pd.DataFrame:
    return pd.read_csv(results / "table.csv")


def test_the_table_has_the_methods_of_every_chain(table):
    assert set(table.columns) >= COLUMNS and list(table.columns).count("mean") == 1
    rows = set(zip(table["chain"], table["method"]))
    methods = ("full", "off-the-shelf", "features: linear-svm")
    assert rows == {(chain, method) for chain in ("imagenet", "in-domain") for method in methods}
    assert (table["data"] == "synthetic").all()


def test_a_mean_lies_in_its_interval(table):
    rows = table[table["metric"] == "auroc"]
    assert len(rows) == 6 and ((rows["ci_low"] <= rows["mean"]) & (rows["mean"] <= rows["ci_high"])).all()


def test_a_chain_is_compared_with_imagenet_and_corrected_for_all_comparisons(table):
    tested = table[(table["metric"] == "auroc") & (table["chain"] == "in-domain")]
    assert tested["p_value"].between(0, 1).all() and (tested["compared_with"] == "imagenet").all()
    assert (tested["p_value"] >= tested["p_uncorrected"]).all()
    # All seeds of the chain share one pretraining: no claim about the chain, in a family of its own.
    families = dict(zip(tested["method"], tested["family"]))
    shared, features = "given this one pretraining", "features and fusion"
    assert families == {"full": shared, "off-the-shelf": shared, "features: linear-svm": features}
    assert tested.set_index("family")["n_comparisons"].to_dict() == {shared: 2, features: 1}


def test_predictions_name_the_image_and_add_up_to_one(results):
    predictions = pd.read_csv(results / "predictions.csv")
    assert set(predictions.columns) >= {
        "id", "patient", "split", "label", "score_normal", "score_abnormal", "chain", "backbone", "seed", "fold"
    }  # fmt: skip
    assert np.allclose(predictions[["score_normal", "score_abnormal"]].sum(axis=1), 1, atol=1e-5)


def test_every_stage_says_what_it_cost(results):
    stages = pd.read_csv(results / "stages.csv").set_index("stage")
    assert list(stages.index) == ["pretrain", "finetune", "fusion", "explain"]
    assert (stages.loc[["pretrain", "finetune"], "images_per_second"] > 0).all()
    assert (stages["peak_memory_mb"] > 50).all() and (stages["seconds"] > 0).all()


def test_the_page_says_that_the_images_are_synthetic_and_needs_no_network(results):
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "synthetic" in page and "data:image/webp" in page
    assert not re.search(r"(src|href)=.?http|url\(http|import ", page)


def test_the_table_is_there_for_a_paper(results):
    assert r"\begin{longtable}" in (results / "table.tex").read_text(encoding="utf-8")


def test_the_curves_are_those_of_the_log(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    logs = list((finished / "runs/work").glob("*/log.csv"))
    assert len(logs) == 5
    for path in logs:
        events = EventAccumulator(str(path.parent / "tensorboard")).Reload()
        log = pd.read_csv(path)
        drawn = events.Tensors("loss")
        assert [event.step for event in drawn] == list(log["epoch"])
        assert [make_ndarray(event.tensor_proto).item() for event in drawn] == pytest.approx(list(log["loss"]))


def test_again_nothing_is_done_nothing_changes_and_neither_tensorflow_nor_pandas_is_loaded(finished_here, cache_dir):
    before = {path: path.read_bytes() for path in (finished_here / "runs").rglob("*") if path.is_file()}
    program = (
        "import sys; from indomain.commands.cli import main; status = main(sys.argv[1:]);"
        "assert not {'tensorflow', 'keras', 'pandas'} & set(sys.modules); sys.exit(status)"
    )
    command = [sys.executable, "-c", program, "run", "tiny.toml", "--cache-dir", str(cache_dir)]
    again = subprocess.run(command, capture_output=True, text=True, cwd=finished_here)
    assert again.returncode == 0, again.stderr
    assert "Everything was done already" in again.stdout
    assert {path: path.read_bytes() for path in (finished_here / "runs").rglob("*") if path.is_file()} == before


def test_a_number_of_components_redoes_the_classifiers_that_use_them_and_the_report(indomain, finished_here):
    _, out, _ = indomain("plan", "tiny.toml", "--set", "fusion.components=3")
    to_do = [line.split("  ")[2].strip() for line in out.splitlines() if line.startswith("to do")]
    assert out.count("linear-svm") == 4 and len(to_do) == 5 and "5 runs to do" in out


def test_several_processes_give_the_table_of_one(indomain, finished_here, unbroken):
    for path in (finished_here / "runs/work").glob("finetune-*/model.keras"):
        shutil.rmtree(path.parent)
    status, out, err = indomain("run", "tiny.toml", *LESS, "--jobs", "2")
    assert status == 0 and "3 runs completed" in out, err  # two networks and the report
    assert same_table(finished_here / "runs", unbroken)


DIVERGING = settings(
    "profiles=['strict', 'paper']", "finetune.paper.optimizer=sgd", "finetune.paper.learning_rate=3e38"
)


@pytest.fixture(scope="module")
def diverged(finished, cache_dir, tmp_path_factory) -> Path:
    """A folder of the recipe under both profiles, where trainings diverged under the papers'."""
    here = tmp_path_factory.mktemp("diverged")
    shutil.copytree(finished, here, dirs_exist_ok=True)
    with contextlib.chdir(here):
        assert main(["run", "tiny.toml", *DIVERGING, "--cache-dir", str(cache_dir)]) == 0
    return here


@pytest.fixture(scope="module")
def both(diverged) -> pd.DataFrame:
    """The table of both profiles."""
    return pd.read_csv(diverged / "runs/tiny/table.csv").set_index(["profile", "method"])


@pytest.fixture(scope="module")
def predictions(diverged):
    """The predictions of both profiles, grouped by profile."""
    return pd.read_csv(diverged / "runs/tiny/predictions.csv").groupby("profile")


def test_the_papers_profile_runs_the_first_seed_only(predictions):
    assert set(predictions.get_group("strict")["seed"]) == {0, 1} and set(predictions.get_group("paper")["seed"]) == {0}


def test_the_papers_profile_holds_no_validation_images_out(predictions):
    assert set(predictions.get_group("strict")["split"]) == {"test", "val"}
    assert set(predictions.get_group("paper")["split"]) == {"test"}


def test_a_profile_is_named_on_the_page(diverged):
    assert "Profile paper" in (diverged / "runs/tiny/report.html").read_text(encoding="utf-8")


def test_a_training_that_diverges_is_a_row_without_a_number(both):
    for method in ("full", "features: linear-svm"):  # what builds on it has diverged, too
        fallen = both.loc[("paper", method)]
        assert fallen["mean"].isna().all() and fallen["note"].str.startswith("diverged: finetune: the loss").all()
    assert both.loc[("paper", "off-the-shelf"), "mean"].notna().all() and both.loc["strict", "mean"].notna().all()


def test_what_diverged_is_said_in_the_summary_and_on_the_page(diverged):
    results = diverged / "runs/tiny"
    summary = (results / "summary.txt").read_text(encoding="utf-8")
    assert "Diverged" in summary and "paper, wrist, all labels, squeezenet, full, imagenet" in summary
    assert "diverged" in (results / "report.html").read_text(encoding="utf-8")


def test_of_two_methods_under_two_profiles_the_one_that_diverged_has_no_panel(diverged):
    assert len(list((diverged / "runs/tiny").glob("panel-*.png"))) == 3


def test_what_diverged_is_done_and_not_tried_again(diverged, cache_dir, capsys):
    with contextlib.chdir(diverged):
        assert main(["run", "tiny.toml", *DIVERGING, "--cache-dir", str(cache_dir)]) == 0
    assert "Everything was done already" in capsys.readouterr().out


def test_where_nothing_has_numbers_there_is_no_table(diverged, cache_dir, capsys):
    words = [*DIVERGING, *settings("finetune.strategies=['full']"), "--profile", "paper"]
    with contextlib.chdir(diverged):
        assert main(["run", "tiny.toml", *words, "--cache-dir", str(cache_dir)]) == 1
    assert "every training diverged" in capsys.readouterr().err


WRONG = [
    ("colour = 3", "", "unknown key 'colour'"),
    (
        'backbones = ["squeezenett"]',
        'backbones = ["squeezenet"]',
        "unknown backbone 'squeezenett'. Did you mean 'squeezenet'",
    ),
    (
        'in-domain = ["imagenet", "others:supervize"]',
        'in-domain = ["imagenet", "others:supervised"]',
        "Did you mean 'supervised'",
    ),
    (
        'in-domain = ["imagenet", "other:supervised"]',
        'in-domain = ["imagenet", "others:supervised"]',
        "Did you mean 'others'",
    ),
    ('classifiers = ["linear-svn"]', 'classifiers = ["linear-svm"]', "Did you mean 'linear-svm'"),
    ('[report]\nmetrics = ["aurok"]', "[report]", "unknown metric 'aurok'. Did you mean 'auroc'"),
    ("[finetune]\nepoch = 2", "[finetune]\nepochs = 2", "unknown key 'epoch'. Did you mean 'epochs'"),
    ('strategies = ["fill"]', 'strategies = ["full", "off-the-shelf"]', "Did you mean 'full'"),
    ('set = "small.toml:wrists"', 'set = "small.toml:wrist"', "Did you mean 'wrist'"),
    ('set = "phantoms/wrist"', 'set = "small.toml:wrist"', "Did you mean 'phantom'"),
    ("fractions = [0.001]\nsplit", "split", "fraction 0.001"),
    ('scheme = "kfold", folds = 400', 'scheme = "official"', "fewer than the 400 folds"),
    ('scheme = "kfolds"', 'scheme = "official"', "Did you mean 'kfold'"),
    (
        'set = "small.toml:wrist"\nclasses = { a = ["normal"], b = ["abnormall"] }',
        'set = "small.toml:wrist"',
        "'abnormall' has no image",
    ),
    ('set = "ph2"', 'set = "small.toml:wrist"', "--data-dir"),
    ('backbones = ["resnet50"]', 'backbones = ["squeezenet"]', "ImageNet weights of 'resnet50' cannot be had"),
    ('imagenet = ["gone.keras"]', 'imagenet = ["imagenet"]', "there is no such file"),
    ("size = ", "size = 32", "not valid TOML"),
    ("size = 0", "size = 32", "greater than or equal to 8"),
    ("seeds = [-1, 1]", "seeds = [0, 1]", "greater than or equal to 0"),
    ('set = "small.toml:wrist"\npositive = "ill"', 'set = "small.toml:wrist"', "unknown positive class 'ill'"),
    (
        'set = "small.toml:wrist"\nclasses = { a = ["normal"], b = ["normal"] }',
        'set = "small.toml:wrist"',
        "is in two classes",
    ),
    ('imagenet = ["tiny.toml.keras"]', 'imagenet = ["imagenet"]', "no such file"),
    ('imagenet = ["broken.keras"]', 'imagenet = ["imagenet"]', "not a .keras file"),
    ('layers = { squeezenet = "fire99" }\nclassifiers', "classifiers", "unknown layer 'fire99'"),
    ("components = 1.0\nclassifiers", "classifiers", "share of the variance"),
    ("[finetune]\npaper = 3", "[finetune]", "is a table of keys"),
]


@pytest.mark.parametrize(("new", "old", "message"), WRONG, ids=[item[2][:40] for item in WRONG])
def test_a_wrong_recipe_is_refused_before_any_work(indomain, small_recipe, here, new, old, message):
    (here / "broken.keras").write_bytes(b"no archive")
    text = small_recipe.read_text()
    assert old in text
    small_recipe.write_text(text.replace(old, new, 1) if old else f"{new}\n{text}")
    status, out, err = indomain("run", "tiny.toml")
    assert status == 2 and message in err and "Traceback" not in err
    assert not list((here / "runs").glob("work/*/DONE")) and not list((here / "runs").glob("work/.listing*"))


def test_a_network_of_another_input_shape_is_refused(indomain, small_recipe, here):
    from indomain.networks import backbones

    backbones.build("squeezenet", (40, 40, 1)).save(here / "other.keras")
    small_recipe.write_text(small_recipe.read_text().replace('imagenet = ["imagenet"]', 'imagenet = ["other.keras"]'))
    status, _, err = indomain("run", "tiny.toml")
    assert status == 2 and "(40, 40, 1)" in err and "(32, 32, 1)" in err


@pytest.fixture
def leaking(small_recipe) -> Path:
    """The small recipe with a source that holds its target's test patients."""
    text = small_recipe.read_text().replace("drop_leaks = true\n", "")
    text = text.replace('set = "small.toml:all-but-wrist"', 'set = "small.toml"\nuse = ["train", "test"]')
    small_recipe.write_text(text)
    return small_recipe


def test_a_leak_stops_the_strict_profile_and_says_the_way_out(indomain, leaking):
    status, _, err = indomain("run", "tiny.toml")
    assert status == 2 and "same patient" in err and "drop_leaks = true" in err


def test_a_leak_that_is_dropped_is_said_in_the_summary(indomain, leaking):
    words = ["drop_leaks=true", "explain.images=0", "seeds=[0]", 'finetune.strategies=["off-the-shelf"]']
    status, out, err = indomain("run", "tiny.toml", *settings(*words, "fusion.classifiers=[]"))
    assert status == 0 and "removed" in out, err


def test_the_humerus_recipe_runs_on_phantoms_in_muras_layout(indomain, here):
    from indomain.data.images import phantom

    phantom.write_mura(here / "data", patients=10, size=(64, 64))
    words = [
        "seeds=[0]",
        "size=32",
        "baseline.backbones=[]",
        'backbones=["squeezenet"]',
        'profiles=["strict"]',
        "finetune.epochs=1",
    ]
    words += ["explain.images=1", "explain.samples=20", "explain.measure=0", 'explain.explained=["true"]']
    words += ["pretrain.supervised.epochs=1", 'fusion.classifiers=["lda"]', "fusion.tune=false"]
    words += ["fusion.save=[]", 'explain.robustness.corruptions=["blur"]', "explain.robustness.severities=[3]"]
    status, out, err = indomain("run", "alammar2023/humerus", "--data-dir", here / "data", *settings(*words))
    assert status == 0, err
    table = pd.read_csv(here / "runs/alammar2023/humerus/table.csv")
    table = table[(table["target"] == "humerus") & (table["level"] == "image")]
    assert set(table["chain"]) == {"random", "imagenet", "in-domain", "imagenet-in-domain"}
    given = table[(table["chain"] == "imagenet-in-domain") & (table["metric"] == "kappa")]
    assert (given["reported"] == 0.7569).all()
