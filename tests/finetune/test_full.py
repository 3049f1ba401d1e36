import numpy as np
import pandas as pd
import pytest

from finetune import full
from finetune.plan import Options
from indomain.networks import architecture, weights
from indomain.training.trainer import Trainer
from tests.small import SMALL, fit_small, problem, same, values_of

OPTIONS = Options(epochs=3, batch=8, learning_rate=1e-3, head_lr_factor=10.0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The network, its facts and its log."""
    folder = tmp_path_factory.mktemp("full")
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    network, facts = full.fit(backbone, problem(), 2, Trainer(OPTIONS, 0, folder))
    return network, values_of(network), facts, pd.read_csv(folder / "log.csv")


def test_every_layer_learns(fitted):
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    before = values_of(backbone)
    after = fitted[1][: len(before)]
    assert len(before) > 40 and not any(np.array_equal(a, b) for a, b in zip(before, after))


def test_a_new_head_ends_the_network_in_logits(fitted):
    assert fitted[0].layers[-1].name == "logits" and fitted[0].output_shape == (None, 2)


def test_the_epoch_of_the_least_validation_loss_is_kept(fitted):
    _, _, facts, log = fitted
    assert facts["chosen_epoch"] == log["val_loss"].idxmin() + 1


def test_the_heads_learning_rate_has_the_factor_of_the_options(fitted, tmp_path):
    expected, _ = fit_small(tmp_path / "a", OPTIONS, head_lr_factor=10.0)
    assert same(fitted[1], values_of(expected))
    other, _ = fit_small(tmp_path / "b", OPTIONS, head_lr_factor=1.0)
    assert not same(fitted[1], values_of(other))
