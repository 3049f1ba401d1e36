import numpy as np
import pytest

from finetune.plan import Options
from indomain.networks import architecture, weights
from indomain.training import second_head
from indomain.training.classifier import classifier
from tests.small import SMALL

RELATION = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])


def head(weight=0.5):
    return second_head.SecondHead(np.zeros((4, 3)), np.zeros(3), RELATION, weight)


def test_each_image_teaches_its_class_and_what_the_sources_classes_have_to_do_with_it():
    assert np.allclose(head().targets(np.array([1, 0])), [[0, 1, 0, 0.5, 0.5], [1, 0, 0.7, 0.2, 0.1]])


def test_the_loss_is_that_of_both_heads_the_second_weighted():
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(4, 5)).astype(np.float32), head().targets(np.array([0, 1, 1, 0]))

    def entropy(logits, of):
        return -(of * (logits - np.log(np.exp(logits).sum(1, keepdims=True)))).sum(1)

    expected = entropy(outputs[:, :2], targets[:, :2]) + 0.5 * entropy(outputs[:, 2:], targets[:, 2:])
    assert np.allclose(second_head.Loss(2, 0.5).call(targets, outputs), expected, atol=1e-5)


def test_the_accuracy_is_that_of_the_networks_own_head():
    metric = second_head.accuracy(2)
    metric.update_state(head().targets(np.array([0, 1])), np.array([[2.0, 1, 0, 9, 0], [2, 1, 0, 9, 0]]))
    assert metric.name == "accuracy" and float(metric.result()) == pytest.approx(0.5)


def test_both_heads_stand_on_the_same_features():
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    network = classifier(backbone, 2, Options(), 0.0, second=(3, 1.0)).network
    assert network.output_shape == (None, 5)
    assert network.get_layer("logits").input is network.get_layer(second_head.NAME).input
