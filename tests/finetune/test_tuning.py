from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from finetune import run, tuning
from finetune.plan import Options, plan
from finetune.tuning import TuneOptions
from indomain import files
from indomain.artifacts import predictions
from indomain.artifacts.record import read_record
from indomain.errors import Diverged, RequestError
from indomain.runs.task import Task, Work, find
from indomain.runs.worker import run_one
from tests.small import study_of

CLASSES = ["normal", "abnormal"]
RATES = "finetune.tune={ learning_rate=[0.01, 0.0001] }"


def candidate(folder, validation, test, diverged=None):
    """A finished run whose scores of validation and test images rank them as well as these numbers say, from 0 to 1."""
    folder.mkdir(parents=True)
    if diverged:
        files.write_json(folder / "DONE", {"diverged": diverged})
        return folder
    y = np.tile([0, 1], 40)
    good = np.where(np.arange(80) < 40, validation, test)
    rng = np.random.default_rng(0)
    score = np.clip(
        0.5 + 0.4 * (2 * y - 1) * (rng.random(80) < good) - 0.4 * (2 * y - 1) * (rng.random(80) > good), 0, 1
    )
    names = [f"i{number}" for number in range(80)]
    rows = pd.DataFrame({"id": names, "patient": names, "study": "", "image": names, "group": names, "y": y})
    rows["split"] = np.where(np.arange(80) < 40, "val", "test")
    predictions.write(folder / "predictions.csv", rows, np.stack([1 - score, score], 1), CLASSES)
    (folder / "model.keras").write_bytes(f"{validation} {test}".encode())
    files.write_json(folder / "DONE", {"images": 5})
    return folder


def chosen(tmp_path, *folders):
    words = [{"learning_rate": number} for number in range(len(folders))]
    task = Task("finetune", 1, params={"classes": CLASSES, "candidates": words})
    (tmp_path / "choice").mkdir()
    return tuning.choose(Work(task, tmp_path / "choice", {"candidates": list(folders)})), tmp_path / "choice"


@pytest.mark.parametrize("order", [1, -1])
def test_what_only_test_images_would_prefer_is_not_chosen(tmp_path, order):
    planted = [candidate(tmp_path / "by-test", 0.55, 1.0), candidate(tmp_path / "by-validation", 0.9, 0.3)]
    facts, folder = chosen(tmp_path, *planted[::order])
    assert facts["chosen"] == {"learning_rate": [0, 1][::order][1]} and facts["images"] == 5
    assert (folder / "model.keras").read_bytes() == b"0.9 0.3"
    assert (folder / "predictions.csv").read_text() == (tmp_path / "by-validation/predictions.csv").read_text()


def test_changing_the_scores_of_test_images_changes_no_choice(tmp_path):
    folders = [candidate(tmp_path / str(test), validation, test) for validation, test in ((0.8, 0.2), (0.6, 0.9))]
    before = [tuning.of_validation(folder, CLASSES) for folder in folders]
    table = pd.read_csv(folders[1] / "predictions.csv")
    table.loc[table["split"] == "test", ["score_normal", "score_abnormal"]] = [0.5, 0.5]
    table.to_csv(folders[1] / "predictions.csv", index=False)
    assert [tuning.of_validation(folder, CLASSES) for folder in folders] == before


def test_of_equal_aurocs_the_lower_log_loss_decides(tmp_path):
    folders = [candidate(tmp_path / name, 1.0, 0.5) for name in ("sure", "unsure")]
    table = pd.read_csv(folders[1] / "predictions.csv")
    for name in ("score_normal", "score_abnormal"):
        table[name] = 0.5 + (table[name] - 0.5) / 10
    table.to_csv(folders[1] / "predictions.csv", index=False)
    assert chosen(tmp_path, *folders[::-1])[0]["chosen"] == {"learning_rate": 1}


def test_a_candidate_that_diverged_is_not_chosen_and_said(tmp_path):
    folders = [candidate(tmp_path / "a", 0, 0, diverged="the loss became nan"), candidate(tmp_path / "b", 0.6, 0.6)]
    facts, _ = chosen(tmp_path, *folders)
    assert facts["chosen"] == {"learning_rate": 1} and facts["validation_auroc"][0] is None


def test_where_all_diverged_so_does_the_choice(tmp_path):
    folders = [candidate(tmp_path / name, 0, 0, diverged=f"{name} is nan") for name in "ab"]
    with pytest.raises(Diverged, match="all 2 candidates, the first: a is nan"):
        chosen(tmp_path, *folders)


@pytest.fixture(scope="module")
def planned(tmp_path_factory, cache_dir):
    folder = tmp_path_factory.mktemp("study")

    def tasks(*settings):
        return plan(study_of(folder, cache_dir, *settings), [])

    return tasks


def test_every_chain_fold_and_seed_gets_the_same_candidates_and_one_choice(planned):
    tasks = planned(RATES)
    choices, candidates = find(tasks, "finetune"), find(tasks, "finetune", "candidate")
    assert len(choices) == 4 and len(candidates) == 8 and {str(task.tags.method) for task in choices} == {"full, tuned"}
    for choice in choices:
        rates = [task.params["options"]["learning_rate"] for task in choice.several("candidates")]
        assert rates == [0.01, 0.0001]
        assert choice.params["candidates"] == [{"learning_rate": 0.01}, {"learning_rate": 0.0001}]


def test_strategies_are_candidates_too_and_what_is_the_same_run_is_one(planned):
    tasks = planned('finetune.tune={ learning_rate=[0.01, 0.001], strategy=["full", "off-the-shelf"] }', "seeds=[0]")
    choice = find(tasks, "finetune", fold=0)[0]
    assert str(choice.tags.method) == "tuned"
    assert choice.params["candidates"] == [
        {"strategy": "full", "learning_rate": 0.01},
        {"strategy": "full", "learning_rate": 0.001},
        {"strategy": "off-the-shelf"},
    ]


def test_a_candidate_is_the_run_that_its_settings_alone_would_be(planned):
    alone = find(planned("finetune.learning_rate=0.01"), "finetune", fold=0, seed=0)[0]
    tuned = find(planned(RATES), "finetune", "candidate", fold=0, seed=0)[0]
    assert replace(tuned, kind="").digest == alone.digest


def test_a_strategy_that_uses_none_of_the_tuned_keys_is_not_tuned(planned):
    tasks = find(planned(RATES, 'finetune.strategies=["full", "off-the-shelf"]'), "finetune")
    assert {str(task.tags.method) for task in tasks} == {"full, tuned", "off-the-shelf"}


def test_a_backbone_may_have_learning_rates_of_its_own_the_same_for_all_its_chains(planned):
    own = 'backbones=[{name="dcnn-light",width=0.125},{name="dcnn-light",width=0.25,learning_rate=[0.003]}]'
    tasks = planned(RATES, own, 'chains={random=["random"], again=["random"]}', "seeds=[0]")
    tried = {
        (task.tags.backbone, task.tags.chain, task.params["options"]["learning_rate"])
        for task in find(tasks, "finetune", "candidate", fold=0)
    }
    assert tried == {
        (backbone, chain, rate)
        for backbone, rates in (("dcnn-light-w0.125", (0.01, 0.0001)), ("dcnn-light-w0.25", (0.003,)))
        for chain in ("random", "again")
        for rate in rates
    }
    # Its candidates at a rate that others try too are the same runs.
    alone = planned(RATES, own.replace("0.003", "0.01"), "seeds=[0]")
    wide = [task for task in find(alone, "finetune", "candidate") if task.tags.backbone == "dcnn-light-w0.25"]
    without = planned(RATES, own.replace(",learning_rate=[0.003]", ""), "seeds=[0]")
    assert {task.digest for task in wide} < {task.digest for task in without}
    with pytest.raises(RequestError, match="backbones: dcnn-light: tune has 6 candidates for every network"):
        planned("finetune.tune={learning_rate=[1], epochs=[1, 2], limit=4}", own.replace("0.003", "1, 2, 3"))
    with pytest.raises(RequestError, match="backbones: dcnn-light: tune.learning_rate has a value twice"):
        planned(RATES, own.replace("0.003", "0.1, 0.1"))


def test_the_papers_profile_is_not_tuned(planned):
    tasks = planned(RATES, 'profiles=["strict", "paper"]')
    assert {str(task.tags.method) for task in find(tasks, "finetune", profile="paper")} == {"full"}


def test_without_validation_images_there_is_nothing_to_choose_on(planned):
    with pytest.raises(RequestError, match="tune chooses on validation images, and target 'wrist' has none"):
        planned(RATES, "targets.wrist.split.validated=false")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": [1e-3] * 2}, "has a value twice"),
        ({"learning_rate": [0.0]}, "greater than 0"),
        (
            {"learning_rate": [1, 2, 3, 4], "epochs": [1, 2, 3, 4]},
            "16 candidates for every network, more than its limit",
        ),
        ({"learning_rate": [1, 2], "strategy": ["full", "lp-ft"], "limit": 3}, "set limit = 4"),
    ],
)
def test_a_grid_that_cannot_be_meant_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TuneOptions(**changes)


def test_an_unknown_strategy_among_the_candidates_is_refused():
    with pytest.raises((ValueError, RequestError), match="unknown strategy 'ful'"):
        Options(tune={"strategy": ["ful"]})


def test_the_choice_is_a_network_that_predicts_and_its_record_says_what_was_chosen(tmp_path, cache_dir):
    study = study_of(tmp_path, cache_dir, "seeds=[0]", "finetune.epochs=1", RATES)
    choice = find(plan(study, []), "finetune", fold=0)[0]
    for task in [*choice.needed(), choice]:
        run_one(task, study.runs)
    folder = study.runs.folder(choice)
    facts = read_record(folder).facts
    assert facts["chosen"] in choice.params["candidates"] and len(facts["validation_auroc"]) == 2
    assert keras.saving.load_model(folder / "model.keras").layers[-1].name == "scores"
    candidates = choice.several("candidates")
    best = max(candidates, key=lambda task: tuning.of_validation(study.runs.folder(task), choice.params["classes"]))
    assert facts["chosen"]["learning_rate"] == best.params["options"]["learning_rate"]
    own, taken = (pd.read_csv(study.runs.folder(task) / "predictions.csv") for task in (best, choice))
    assert own.equals(taken)


@pytest.mark.parametrize(
    "settings",
    [[], ['finetune.strategies=["surgical-top"]', 'finetune.surgical={ top = { "last:0.3" = 1.0 } }']],
    ids=["full", "surgical"],
)
def test_a_choice_trains_nothing_itself_and_is_checked_as_such(planned, settings):
    tasks = planned(RATES, *settings)
    assert any(task.kind == "" and "candidates" in task.params for task in tasks)
    run.check(tasks)
