import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from indomain.networks import architecture, weights
from indomain.training import classifier as training_classifier
from indomain.training import trainer as training_trainer
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer
from tests.small import SMALL, fit_small, problem, same, values_of

OPTIONS = TrainingOptions(epochs=2, batch=8, learning_rate=1e-2)


def layers_that_moved(frozen, folder):
    """The names of the backbone's weighted layers, and of those whose weights two epochs changed."""
    backbone = architecture.backbone(SMALL, frozen)
    weights.initialise(backbone, 0)
    before = {layer.name: values_of(layer) for layer in backbone.layers if layer.weights}
    network, _ = fit_small(folder, OPTIONS, frozen=frozen)
    return list(before), [name for name, old in before.items() if not same(old, values_of(network.get_layer(name)))]


def test_frozen_batch_norm_does_not_move(tmp_path):
    # `base(x, training=False)` would not keep its moving averages in place.
    names, moved = layers_that_moved(0.5, tmp_path)
    frozen = names[: round(0.5 * len(names))]
    assert any(name.endswith("bn") for name in frozen)
    assert moved == names[len(frozen) :]


def test_what_was_free_in_one_run_can_be_frozen_in_the_next_and_freed_again(tmp_path):
    # After a model was compiled and fitted, setting `trainable` does nothing.
    for number, frozen in enumerate((0.0, 0.5, 0.0)):
        names, moved = layers_that_moved(frozen, tmp_path / str(number))
        assert moved == names[round(frozen * len(names)) :]


def test_the_network_that_comes_out_ends_in_logits_on_the_same_backbone(tmp_path):
    network, _ = fit_small(tmp_path, OPTIONS)
    assert network.layers[-1].name == "logits"
    assert network.get_layer("fc1") is architecture.backbone(SMALL).get_layer("fc1")


def test_runs_that_differ_in_rate_batch_and_epochs_share_one_compiled_model():
    backbone = architecture.backbone(SMALL)
    first = training_classifier.classifier(backbone, 2, OPTIONS, 0.5)
    other = OPTIONS.model_copy(update={"epochs": 9, "batch": 3, "learning_rate": 1.0})
    assert training_classifier.classifier(backbone, 2, other, 0.5) is first


@pytest.mark.parametrize("change", [{"optimizer": "sgd"}, {"augment": "basic"}, {"momentum": 0.5}])
def test_what_is_compiled_in_makes_another_model(change):
    backbone = architecture.backbone(SMALL)
    first = training_classifier.classifier(backbone, 2, OPTIONS, 0.5)
    other = training_classifier.classifier(backbone, 2, OPTIONS.model_copy(update=change), 0.5)
    assert other is not first and other.network.get_layer("logits") is not first.network.get_layer("logits")


def test_the_heads_factor_reaches_the_optimizer():
    model = training_classifier.classifier(architecture.backbone(SMALL), 2, OPTIONS, 0.5, rates={"logits": 10.0})
    assert model.optimizer.rates == {"logits": 10.0}


def test_balanced_weights_are_scikit_learns():
    y = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_sample_weight("balanced", y)
    np.testing.assert_allclose(training_classifier.class_weights(y, 3, "balanced"), expected)


def test_a_class_without_images_takes_no_weight_from_the_others():
    y = np.array([0, 0, 2])
    weights_of_two = training_classifier.class_weights(y, 3, "balanced")
    np.testing.assert_allclose(weights_of_two, [0.75, 0.75, 1.5])


def test_without_weights_there_are_none():
    assert training_classifier.class_weights(np.array([0, 1]), 2, "none") is None


@pytest.mark.parametrize(("head_init", "begins_at_zero"), [("zeros", True), ("glorot", False)])
def test_a_new_head_begins_at_zero_or_is_drawn_and_what_it_is_given_is_kept(
    head_init, begins_at_zero, tmp_path, monkeypatch
):
    begun = []

    def look(self, logs=None):
        begun.append(values_of(self.training_model.network.get_layer("logits")))

    monkeypatch.setattr(training_trainer._Keeper, "on_train_begin", look)
    fit_small(tmp_path / "new", OPTIONS.model_copy(update={"head_init": head_init}))
    kernel, bias = begun[0]
    assert (not kernel.any()) is begins_at_zero and not bias.any()
    backbone, given = architecture.backbone(SMALL), [np.full_like(kernel, 0.5), np.full_like(bias, -1.0)]
    weights.initialise(backbone, 0)
    trainer = Trainer(OPTIONS.model_copy(update={"head_init": head_init}), 0, tmp_path)
    training_classifier.fit_classifier(backbone, problem(), 2, trainer, head=given)
    assert same(begun[1], given)
