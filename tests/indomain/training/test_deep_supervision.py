import keras
import numpy as np
import pytest

from finetune.plan import Options
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.training import deep_supervision
from indomain.training.classifier import classifier, fit_classifier
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem

AUXILIARY = {"block1_concat": 0.3, "stem2_relu": 0.5}


def test_the_loss_is_the_networks_own_plus_the_weighted_ones_of_the_heads():
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(5, 3, 4)).astype(np.float32), np.array([0, 3, 1, 1, 2])
    of_each = -(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))[np.arange(5)[:, None], np.arange(3), y[:, None]]
    expected = of_each @ [1, 0.5, 0.25]
    loss = deep_supervision.Loss([0.5, 0.25])
    assert np.allclose(loss.call(y[:, None], logits.reshape(5, 12)), expected, atol=1e-5)
    weighted = loss(y[:, None], logits.reshape(5, 12), sample_weight=np.array([1, 0, 0, 0, 2.0]))
    assert float(weighted) == pytest.approx((expected[0] + 2 * expected[4]) / 5, abs=1e-5)


def test_the_accuracy_is_the_networks_own():
    metric = deep_supervision.accuracy(2)
    # By itself it is right in one of two; its head, which follows, in both.
    metric.update_state(np.array([0, 1]), np.array([[1.0, 0, 1, 0], [1, 0, 0, 1]]))
    assert metric.name == "accuracy" and float(metric.result()) == 0.5


def test_the_networks_own_logits_come_first_in_full_precision():
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    model = classifier(backbone, 2, Options(), 0.0, auxiliary={"stem2_relu": 1.0})
    names = [layer.name for layer in model.network.layers]
    assert names.index("logits") < names.index("stem2_relu_auxiliary") and names[-1] == "all_logits"
    assert model.network.output_shape == (None, 4) and names.index("logits") < names.index("stem2_relu_auxiliary")
    assert model.network.output.dtype == "float32"


def test_the_network_comes_back_without_its_heads_and_learns(tmp_path):
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    options = Options(epochs=8, batch=8, learning_rate=1e-2, auxiliary=AUXILIARY, strategies=["deeply-supervised"])
    network, facts = fit_classifier(backbone, problem(), 2, Trainer(options, 0, tmp_path), auxiliary=options.auxiliary)
    assert network.layers[-1].name == "logits" and network.output_shape == (None, 2)
    assert not any("auxiliary" in layer.name for layer in network.layers)
    log = (tmp_path / "log.csv").read_text()
    assert "val_accuracy" in log and facts["epochs"] >= 1
    # It is a plain classifier again: saved, loaded and asked, it says the same.
    weights.save(architecture.with_scores(network), tmp_path / "model.keras")
    images = np.random.default_rng(0).uniform(0, 255, (3, *SMALL.shape)).astype(np.float32)
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert np.allclose(loaded(images), keras.ops.softmax(network(images)), atol=1e-6)


def test_supervision_inside_changes_what_is_learnt(tmp_path):
    found = []
    for auxiliary in ({}, AUXILIARY):
        backbone = architecture.backbone(SMALL)
        weights.initialise(backbone, 0)
        options = Options(epochs=2, batch=8, select="last")
        fit_classifier(backbone, problem(), 2, Trainer(options, 0, tmp_path / str(len(auxiliary))), auxiliary=auxiliary)
        found.append([np.array(weight) for weight in backbone.get_layer("stem2_conv").weights])
    assert not np.array_equal(found[0][0], found[1][0])


@pytest.mark.parametrize(
    ("auxiliary", "message"),
    [
        ({}, "finetune: deep supervision needs layers"),
        (
            {"block1_conct": 0.3},
            "finetune auxiliary, .*: unknown layer with maps 'block1_conct'. Did you mean 'block1_concat'",
        ),
        ({"fc1": 0.3}, "unknown layer with maps 'fc1'"),
    ],
)
def test_layers_that_can_have_no_head_are_refused(auxiliary, message):
    with pytest.raises(RequestError, match=message):
        deep_supervision.check(architecture.backbone(SMALL), auxiliary, "finetune")
