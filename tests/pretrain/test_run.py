from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from indomain.artifacts.record import read_record
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.runs.task import Work, find
from indomain.runs.worker import run_one
from pretrain import run
from pretrain.plan import plan
from tests.small import study_of

CHAINS = 'chains={twice=["random", "elbow:supervised", "elbow:supervised"]}'
# So small a rate that the second step shows where it began.
SETTINGS = [CHAINS, "pretrain.supervised.epochs=1", "pretrain.supervised.learning_rate=1e-12", 'pretrain.probe="wrist"']


@pytest.fixture(scope="module")
def study(tmp_path_factory, cache_dir):
    return study_of(tmp_path_factory.mktemp("study"), cache_dir, *SETTINGS)


@pytest.fixture(scope="module")
def finished(study):
    """The tasks of a chain of two steps and their finished folders."""
    tasks = find(plan(study, []), "pretrain")
    for task in tasks:
        run_one(task, study.runs)
    return tasks, [study.runs.folder(task) for task in tasks]


def trainable(model):
    """All weights that learning may move, as one vector."""
    return np.concatenate([np.array(weight).ravel() for weight in model.trainable_weights])


def left_by(folder):
    return trainable(keras.saving.load_model(folder / "model.keras"))


def test_a_step_leaves_the_backbone_without_a_head_and_its_log(finished):
    for folder in finished[1]:
        assert keras.saving.load_model(folder / "model.keras").layers[-1].name == "fc1"
        assert len(pd.read_csv(folder / "log.csv")) == 1


def test_the_first_step_begins_with_its_seeds_weights(finished):
    spec = Architecture.of(finished[0][0].params["backbone"])
    backbone = architecture.backbone(spec)
    weights.start(backbone, spec, "random", 0)
    np.testing.assert_allclose(left_by(finished[1][0]), trainable(backbone), atol=1e-9)
    weights.start(backbone, spec, "random", 1)
    assert not np.allclose(left_by(finished[1][0]), trainable(backbone), atol=1e-3)


def test_a_step_begins_with_what_the_step_before_left(finished, tmp_path):
    # Another network in the place of the first step's: the second step begins with that.
    task = finished[0][1]
    spec = Architecture.of(task.params["backbone"])
    backbone = architecture.backbone(spec)
    weights.start(backbone, spec, "random", 5)
    expected = trainable(backbone)
    (tmp_path / "previous").mkdir()
    weights.save(backbone, tmp_path / "previous" / "model.keras")
    run.run(Work(task, tmp_path, {"previous": tmp_path / "previous"}))
    np.testing.assert_allclose(left_by(tmp_path), expected, atol=1e-9)


def test_the_probe_is_in_the_log(finished):
    for folder in finished[1]:
        assert pd.read_csv(folder / "log.csv")["probe_knn"].between(0, 1).all()


def test_the_record_says_how_much_was_learnt_from(finished):
    facts = read_record(finished[1][0]).facts
    assert facts["epochs"] == 1 and facts["images"] > 20 and facts["versions"]["keras"] == keras.__version__


def test_initial_weights_that_do_not_fit_are_refused_before_any_work(finished, tmp_path):
    run.check(finished[0])
    (tmp_path / "mine.keras").write_text("no network")
    wrong = replace(finished[0][0], paths={**finished[0][0].paths, "start": str(tmp_path / "mine.keras")})
    with pytest.raises(RequestError, match="mine.keras is not a .keras file"):
        run.check([finished[0][1], wrong])
