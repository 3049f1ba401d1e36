"""Recipes as a user runs them: the whole path, again, after a kill, and wrong ones."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

COLUMNS = {
    "target", "chain", "backbone", "method", "metric", "mean", "ci_low", "ci_high", "n_runs", "n_images", "p_value",
    "compared_with", "reported", "reported_source",
}  # fmt: skip


def test_a_recipe_from_nothing_to_its_table(indomain, small_recipe, here, cache_dir):
    status, out, err = indomain("run", "tiny.toml")
    assert status == 0, err
    folder = here / "runs" / "tiny"
    table = pd.read_csv(folder / "table.csv")
    assert set(table.columns) >= COLUMNS and list(table.columns).count("mean") == 1
    assert set(table["method"]) == {"full", "off-the-shelf", "features: linear-svm"}
    assert set(table["chain"]) == {"imagenet", "in-domain"} and (table["data"] == "synthetic").all()
    rows = table[table["metric"] == "auroc"]
    assert ((rows["ci_low"] <= rows["mean"]) & (rows["mean"] <= rows["ci_high"])).all()
    tested = rows[rows["chain"] == "in-domain"]
    assert tested["p_value"].between(0, 1).all() and (tested["compared_with"] == "imagenet").all()
    assert (tested["p_value"] >= tested["p_uncorrected"]).all() and (table["n_comparisons"] == 3).all()
    predictions = pd.read_csv(folder / "predictions.csv")
    assert set(predictions.columns) >= {
        "id", "patient", "split", "label", "score_normal", "score_abnormal", "chain", "backbone", "seed", "fold"
    }  # fmt: skip
    assert np.allclose(predictions[["score_normal", "score_abnormal"]].sum(axis=1), 1, atol=1e-5)
    assert set(pd.read_csv(folder / "stages.csv")["stage"]) == {"pretrain", "finetune", "fusion", "explain"}
    page = (folder / "report.html").read_text()
    assert (
        "synthetic" in page
        and "data:image/webp" in page
        and not re.search(r"(src|href)=.?http|url\(http|import ", page)
    )
    assert r"\begin{tabular}" in (folder / "table.tex").read_text()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    # Again: nothing runs, nothing changes, and TensorFlow is not imported.
    program = (
        "import sys; from indomain.cli import main; status = main(sys.argv[1:]);"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules; sys.exit(status)"
    )
    command = [sys.executable, "-c", program, "run", "tiny.toml", "--cache-dir", str(cache_dir)]
    again = subprocess.run(command, capture_output=True, text=True, cwd=here)
    assert again.returncode == 0, again.stderr
    assert "Everything was done already" in again.stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    # A reordered recipe with another title redoes the report only; a learning rate redoes what depends on it.
    text = small_recipe.read_text().replace('title = "Tiny"', 'title = "Other"')
    small_recipe.write_text(text)
    assert "1 runs done now" in indomain("run", "tiny.toml")[1]
    _, out, _ = indomain("plan", "tiny.toml", "--set", "fusion.components=3")
    assert "3 runs to do" not in out and "5 runs to do" in out
    _, out, _ = indomain("runs", "list")
    assert "finetune" in out


def test_the_papers_profile_differs_where_it_says(indomain, small_recipe, here):
    status, _, err = indomain(
        "run", "tiny.toml", "--profile", "paper", "--set", "explain.images=0", "--set", "fusion.classifiers=[]"
    )
    assert status == 0, err
    table = pd.read_csv(here / "runs/tiny/table.csv")
    assert set(table["profile"]) == {"paper"} and (table["n_runs"] == 1).all()
    predictions = pd.read_csv(here / "runs/tiny/predictions.csv")
    assert set(predictions["split"]) == {"test"}
    assert "Profile paper" in (here / "runs/tiny/report.html").read_text()


def test_a_training_that_diverges_is_a_row_without_a_number(indomain, small_recipe, here):
    words = ["profiles=['strict', 'paper']", "seeds=[0]", "finetune.epochs=2", "explain.samples=30"]
    words += ["finetune.paper.optimizer=sgd", "finetune.paper.learning_rate=3e38"]
    command = ["run", "tiny.toml", *(part for word in words for part in ("--set", word))]
    status, out, err = indomain(*command)
    assert status == 0, err
    assert "Diverged" in out and "paper, wrist, all labels, squeezenet, full, imagenet" in out
    table = pd.read_csv(here / "runs/tiny/table.csv").set_index(["profile", "method"])
    for method in ("full", "features: linear-svm"):  # what builds on it has diverged, too
        fallen = table.loc[("paper", method)]
        assert fallen["mean"].isna().all() and fallen["note"].str.startswith("diverged: finetune: the loss").all()
    assert table.loc[("paper", "off-the-shelf"), "mean"].notna().all() and table.loc["strict", "mean"].notna().all()
    folder = here / "runs/tiny"
    # Of two methods under two profiles, the one that diverged has no panel.
    assert len(list(folder.glob("panel-*.png"))) == 3 and "diverged" in (folder / "report.html").read_text()
    status, out, _ = indomain(*command)
    assert status == 0 and "Everything was done already" in out
    # With nothing left that has numbers, there is no table.
    status, _, err = indomain(
        "run", "tiny.toml", *command[2:], "--set", "finetune.strategies=['full']", "--profile", "paper"
    )
    assert status == 1 and "every training diverged" in err


def test_one_stage_alone_needs_the_earlier_ones(here, small_recipe, cache_dir, capsys):
    from indomain.commands.cli import run_stage

    arguments = ["tiny.toml", "--cache-dir", str(cache_dir)]
    assert run_stage("finetune", arguments) == 2
    assert "python -m pretrain" in capsys.readouterr().err
    assert run_stage("pretrain", arguments) == 0 and "1 runs done now" in capsys.readouterr().out


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
        "stands in two classes",
    ),
    ('imagenet = ["tiny.toml.keras"]', 'imagenet = ["imagenet"]', "no such file"),
    ('imagenet = ["broken.keras"]', 'imagenet = ["imagenet"]', "no .keras file"),
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


def test_a_leak_stops_the_strict_profile_and_can_be_dropped(indomain, small_recipe, here):
    text = small_recipe.read_text().replace("drop_leaks = true\n", "")
    text = text.replace('set = "small.toml:all-but-wrist"', 'set = "small.toml"\nuse = ["train", "test"]')
    small_recipe.write_text(text)
    status, _, err = indomain("run", "tiny.toml")
    assert status == 2 and "same patient" in err and "drop_leaks = true" in err
    status, out, _ = indomain("run", "tiny.toml", "--set", "drop_leaks=true", "--set", "explain.images=0")
    assert status == 0 and "removed" in out


def test_unknown_names_on_the_command_line(indomain, here):
    assert "Did you mean 'quickstart'" in indomain("run", "quickstat")[2]
    assert indomain("run", "none.toml")[0] == 2
    assert indomain("run", "quickstart", "--set", "nonsense")[0] == 2
    assert indomain("runs", "show", "abc")[0] == 2


def test_help_and_lists_do_not_import_tensorflow(here):
    for words in (["data", "list"], ["--help"], ["data", "show", "mura/humerus"]):
        program = (
            "import sys; from indomain.cli import main\n"
            "try: main(sys.argv[1:])\n"
            "except SystemExit: pass\n"
            "assert not {'tensorflow', 'keras', 'torch'} & set(sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=here)
        assert done.returncode == 0, done.stderr


def test_the_humerus_recipe_runs_on_phantoms_in_muras_layout(indomain, here):
    from indomain.data.images import phantom

    phantom.write_mura(here / "data", patients=10, size=(64, 64))
    words = [
        "seeds=[0]",
        "size=32",
        'backbones=["squeezenet"]',
        "explain.images=2",
        "explain.samples=50",
        "finetune.epochs=1",
    ]
    words += ["pretrain.supervised.epochs=1", "report.samples=200", 'fusion.classifiers=["lda"]', "fusion.tune=false"]
    words += ['profiles=["strict"]', "fusion.keep=[]", "explain.measure=0", 'explain.explained=["true"]']
    words += ['explain.robustness.corruptions=["blur"]', "explain.robustness.severities=[3]"]
    settings = [part for word in words for part in ("--set", word)]
    status, out, err = indomain("run", "alammar2023/humerus", "--data-dir", here / "data", *settings)
    assert status == 0, err
    table = pd.read_csv(here / "runs/alammar2023/humerus/table.csv")
    table = table[(table["target"] == "humerus") & (table["level"] == "image")]
    given = table[(table["chain"] == "imagenet-in-domain") & (table["metric"] == "kappa")]
    assert (given["reported"] == 0.7569).all() and set(table["chain"]) == {
        "random",
        "imagenet",
        "in-domain",
        "imagenet-in-domain",
    }


def test_every_shipped_recipe_is_valid():
    from indomain.recipe.recipe import load_recipe, recipe_names

    for name in recipe_names():
        assert load_recipe(name)[1].title
    assert {"quickstart", "mini/skin", "mini/ct", "alammar2023/humerus", "alzubaidi2021/foot"} <= set(recipe_names())
    assert not any("reported" in name for name in recipe_names())


def test_a_recipe_without_any_arm_that_can_run(indomain, small_recipe):
    text = small_recipe.read_text().replace('["squeezenet"]', '["dcnn-light"]')
    small_recipe.write_text(text)
    status, _, err = indomain("run", "tiny.toml")
    assert status == 2 and "no ImageNet weights exist for dcnn-light" in err


def test_a_profiles_own_keys_are_laid_over_the_others(small_recipe):
    from pathlib import Path

    from indomain.recipe.recipe import load_recipe
    from indomain.recipe.study import Plan
    from indomain.runs.folder import RunsFolder
    from pretrain.stage import Options

    text = small_recipe.read_text() + "[pretrain.paper.supervised]\nepochs = 7\n"
    small_recipe.write_text(text.replace("epochs = 1\n", "epochs = 1\naugment = 'basic'\n", 1))
    name, recipe, base = load_recipe(str(small_recipe))
    plan = Plan(name, recipe, base, RunsFolder(Path("runs")), Path("data"), Path("cache"))
    assert plan.options("pretrain", Options, "strict").supervised.epochs == 1
    paper = plan.options("pretrain", Options, "paper").supervised
    assert paper.epochs == 7 and paper.augment == "basic"
