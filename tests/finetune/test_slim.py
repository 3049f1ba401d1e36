"""Lower layers that are transferred, under a new top of half the width."""

import numpy as np
import pytest

import finetune.run
from finetune import slim, truncated
from finetune.plan import Options, plan
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.runs.task import find
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, study_of, values_of


def fitted(folder, seed=0):
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    options = Options(epochs=1, batch=8, slim={"top": "stem1_relu"}, strategies=["slim-top"])
    folder.mkdir()
    return slim.fit(backbone, problem(), 2, Trainer(options, seed, folder))


def test_the_top_is_new_and_half_as_wide_one_convolution_for_each_later_stage(tmp_path):
    backbone = architecture.backbone(SMALL)
    names = truncated.cuts(backbone)
    later = [name for name in truncated.stages(backbone, names) if name != "stem1_relu"]
    network, facts = fitted(tmp_path / "a")
    new = [layer for layer in network.layers if layer.name.startswith("slim") and layer.name.endswith("_conv")]
    assert [layer.filters for layer in new] == [backbone.get_layer(name).output.shape[-1] // 2 for name in later]
    assert facts["cut"] == "stem1_relu" and "stem2_conv" not in [layer.name for layer in network.layers]


def test_each_seed_draws_another_top_and_the_same_seed_the_same(tmp_path):
    first = values_of(fitted(tmp_path / "a")[0])
    again = values_of(fitted(tmp_path / "b")[0])
    other = values_of(fitted(tmp_path / "c", seed=1)[0])
    assert same(first, again) and not all(np.array_equal(a, b) for a, b in zip(first, other))


def test_a_cut_that_nothing_follows_is_refused_before_any_work(tmp_path, cache_dir):
    settings = ('finetune.strategies=["slim-top"]', 'finetune.slim={ top="block2_bn" }')
    with pytest.raises(RequestError, match="no stage of .* follows 'block2_bn'.* Cut lower"):
        finetune.run.check(find(plan(study_of(tmp_path, cache_dir, *settings), []), "finetune"))
