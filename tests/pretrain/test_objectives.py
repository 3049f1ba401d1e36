"""What every objective promises: it learns and says how well, reads no more than it states, goes on after a kill."""

import numpy as np
import pytest

from indomain.errors import RequestError, look_up
from indomain.networks import architecture, weights
from indomain.toml import validated
from indomain.training import trainer as training_trainer
from pretrain.objectives import OBJECTIVES
from tests.pretrain.source import COUNT, EPOCHS, SMALL, learn, source
from tests.small import same, values_of

# The quantity that tells whether it learns, and what it must exceed on images with a bright upper edge.
TELLS = {
    "supervised": ("accuracy", 0.7),
    "deeply-supervised": ("accuracy", 0.7),
    "source-labels": ("accuracy", 0.7),
    "simclr": ("contrastive_accuracy", 0.05),
    "rotation": ("accuracy", 0.5),
    "pseudo-labels": ("accuracy", 0.4),
    "autoencoder": ("explained_variance", 0.2),
    "masked": ("explained_variance", 0.1),
    "rbm": ("explained_variance", 0.2),
    "segmentation": ("dice", 0.5),
}


@pytest.fixture(scope="module", params=TELLS)
def name(request):
    """An objective; all its tests come one after another, while its model is still in memory."""
    return request.param


@pytest.fixture(scope="module")
def learnt(name, tmp_path_factory):
    """The weights, facts and log of its training."""
    return learn(name, tmp_path_factory.mktemp("learnt"), after_epoch=lambda: {"probe_knn": 0.5})


def without_seconds(log):
    return log.drop(columns=["seconds", "probe_knn"], errors="ignore")


def test_it_learns_and_its_log_tells(name, learnt):
    quantity, least = TELLS[name]
    log = learnt[2]
    assert log[quantity].iloc[-1] > max(least, log[quantity].iloc[0]), log


def test_the_backbone_is_trained_in_place(learnt):
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    assert not same(values_of(backbone), learnt[0])


def test_its_record_counts_images_and_epochs(learnt):
    assert (learnt[1]["images"], learnt[1]["epochs"]) == (COUNT, EPOCHS)


def test_what_is_measured_after_each_epoch_is_logged(learnt):
    assert learnt[2]["probe_knn"].tolist() == [0.5] * EPOCHS


def test_other_labels_change_a_bit_only_if_it_states_that_it_reads_them(name, tmp_path, learnt):
    other = source(tmp_path / "source", np.arange(COUNT) // 2 % 2)
    values, _, log = learn(name, tmp_path, other)
    read = OBJECTIVES[name].reads == "labels"
    assert same(learnt[0], values) == (not read)
    assert without_seconds(learnt[2]).equals(without_seconds(log)) == (not read)


class Killed(Exception):
    pass


def test_a_killed_training_goes_on_to_the_same_weights(name, tmp_path, monkeypatch, learnt):
    monkeypatch.setattr(training_trainer, "SAVING", np.inf)

    # After the fifth epoch: pseudo-labels are then in the middle of an assignment.
    def kill(text, share=None):
        if text.startswith("epoch 6/"):
            raise Killed

    with pytest.raises(Killed):
        learn(name, tmp_path, progress=kill)
    assert (tmp_path / "state.npz").is_file()
    values, _, log = learn(name, tmp_path)
    assert same(learnt[0], values)
    assert without_seconds(learnt[2]).equals(without_seconds(log))


def test_its_function_is_found_and_its_options_have_defaults(name):
    objective = OBJECTIVES[name]
    assert callable(look_up({name: objective.function}, name, "objective"))
    assert objective.options().epochs >= 1


def test_no_objective_is_left_out_here():
    assert set(TELLS) == set(OBJECTIVES)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("masked", {"masked": 1}, "'masked'.*less than 1"),
        ("masked", {"patch": 0.6}, "'patch'.*0.5"),
        ("rotation", {"copies": 5}, "'copies'.*4"),
        ("simclr", {"temperature": 0}, "'temperature'.*greater than 0"),
        ("simclr", {"dropout": 0.5}, "unknown key 'dropout'.*Known: .*projection, schedule, temperature"),
        ("pseudo-labels", {"clusters": 1}, "'clusters'.*2"),
        ("autoencoder", {"noise": -1}, "'noise'.*0"),
        ("rbm", {"sparsity": 1}, "'sparsity'.*less than 1"),
        ("segmentation", {"augment": "colour"}, "'augment' 'colour'.*basic"),
    ],
)
def test_wrong_options_of_an_objective_are_refused_with_the_key(name, options, message):
    with pytest.raises(RequestError, match=message):
        validated(OBJECTIVES[name].options, options, f"recipe.toml: [pretrain.{name}]")
