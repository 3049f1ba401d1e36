import numpy as np
import pytest

from finetune import lp_ft, off_the_shelf
from finetune.plan import Options
from indomain.networks import architecture, inference, weights
from indomain.training import trainer as training_trainer
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, values_of

OPTIONS = Options(epochs=2, batch=8, learning_rate=1e-3, dropout=0)


def drawn():
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    return backbone


def fitted(folder, **changes):
    backbone = drawn()
    network, facts = lp_ft.fit(backbone, problem(), 2, Trainer(OPTIONS.model_copy(update=changes), 0, folder))
    return network, facts


def test_the_training_begins_where_the_regression_ends(tmp_path, monkeypatch):
    images = problem()
    rows, _ = images.part("train")
    probe, _ = off_the_shelf.fit(drawn(), images, 2, Trainer(OPTIONS, 0, tmp_path))
    expected = inference.predict(probe, images.images, rows)
    seen = []

    def look(self, logs=None):
        seen.append(inference.predict(self.training_model.network, images.images, rows))

    monkeypatch.setattr(training_trainer._Keeper, "on_train_begin", look)
    fitted(tmp_path / "run")
    np.testing.assert_allclose(seen[0], expected, rtol=1e-4, atol=1e-4)


def test_then_every_layer_learns(tmp_path):
    before = values_of(drawn())
    network, facts = fitted(tmp_path)
    after = values_of(network)[: len(before)]
    assert not any(np.array_equal(a, b) for a, b in zip(before, after)) and facts["epochs"] == 2


def test_the_regressions_penalty_is_that_of_the_options(tmp_path):
    weak, strong = (values_of(fitted(tmp_path / name, C=C)[0]) for name, C in (("weak", 1.0), ("strong", 1e-4)))
    assert not same(weak, strong)


@pytest.mark.parametrize(("strategy", "used"), [("lp-ft", True), ("full", False), ("off-the-shelf", True)])
def test_the_penalty_is_part_of_the_identity_of_those_that_use_it(strategy, used):
    assert ("C" in Options().used_by(strategy)) is used
