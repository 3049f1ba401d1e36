import keras
import numpy as np
import pandas as pd
import pytest

from finetune import surgical
from finetune.plan import Options, plan
from indomain.errors import RequestError
from indomain.networks import architecture, backbones, weights
from indomain.runs.task import find
from indomain.runs.worker import run_one
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, study_of, values_of


@pytest.fixture(scope="module")
def lite():
    return backbones.build("efficientnet-lite0", (64, 64, 3))


def weighted(model):
    return [layer.name for layer in model.layers if layer.weights]


def test_layers_are_named_with_stars(lite):
    rates = surgical.rates_of(lite, {"block3_*": 0.5, "head_*": 1.0})
    assert rates == {
        **{f"block3_{name}_{kind}": 0.5 for name in ("expand", "depthwise", "project") for kind in ("conv", "bn")},
        **{"head_conv": 1.0, "head_bn": 1.0},
    }


def test_a_layer_and_all_that_follow_it(lite):
    rates = surgical.rates_of(lite, {"from:block15_project_conv": 1.0})
    assert list(rates) == ["block15_project_conv", "block15_project_bn", "head_conv", "head_bn"]


def test_freezing_below_a_layer_may_name_one_without_weights(lite):
    assert next(iter(surgical.rates_of(lite, {"from:block15_depthwise_relu": 1.0}))) == "block15_project_conv"


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_share_of_the_layers_counted_from_the_end(lite, share):
    names = weighted(lite)
    assert list(surgical.rates_of(lite, {f"last:{share}": 1.0})) == names[len(names) - round(share * len(names)) :]


def test_batch_normalisation_alone(lite):
    rates = surgical.rates_of(lite, {"type:BatchNormalization": 1.0})
    assert len(rates) == 49 and all(name.endswith("_bn") for name in rates)


def test_the_first_pattern_that_fits_counts(lite):
    rates = surgical.rates_of(lite, {"head_conv": 0.1, "from:head_conv": 1.0})
    assert rates == {"head_conv": 0.1, "head_bn": 1.0}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("blok3_*", r"efficientnet-lite0: unknown pattern 'blok3_\*'.*Known: .*block0_depthwise_bn"),
        ("from:block99", "unknown layer 'block99'"),
        ("type:BatchNorm", "unknown pattern 'type:BatchNorm'.*Known: BatchNormalization, Conv2D, DepthwiseConv2D"),
        ("last:1.5", "'last:1.5': expected a share above 0 and up to 1"),
        ("last:half", "'last:half': expected a share"),
        ("from:pool", "unknown pattern 'from:pool'"),
    ],
)
def test_a_pattern_that_fits_nothing_is_refused(lite, pattern, message):
    with pytest.raises(RequestError, match=message):
        surgical.rates_of(lite, {pattern: 1.0})


NAMES = weighted(architecture.backbone(SMALL))
LAST = NAMES[-3:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The weights before and after, by layer, the facts, and the network; the last three layers were trained."""
    backbone = architecture.backbone(SMALL, 0.0, tuple(LAST))
    weights.start(backbone, SMALL, "random", 0)
    before = {layer.name: [np.array(weight) for weight in layer.weights] for layer in backbone.layers}
    options = Options(epochs=2, batch=8, surgical={"top": {name: 1.0 for name in LAST}}, strategies=["surgical-top"])
    folder = tmp_path_factory.mktemp("surgical")
    network, facts = surgical.fit(backbone, problem(), 2, Trainer(options, 0, folder))
    after = {layer.name: [np.array(weight) for weight in layer.weights] for layer in network.layers}
    return before, after, facts


def test_the_layers_named_learn_and_the_others_stay_statistics_included(trained):
    before, after, _ = trained
    moved = {name for name, old in before.items() if not all(np.array_equal(a, b) for a, b in zip(old, after[name]))}
    assert moved == set(LAST)


def test_the_record_counts_the_weights_trained(trained):
    _, after, facts = trained
    kept = ("moving_mean", "moving_variance")
    backbone = architecture.backbone(SMALL)
    own = sum(int(np.prod(w.shape)) for n in LAST for w in backbone.get_layer(n).weights if w.name not in kept)
    assert facts["trained_weights"] == own + sum(weight.size for weight in after["logits"])


def test_each_group_has_its_own_rate(tmp_path):
    """SGD without momentum: a hundredth of the rate, a hundredth of the way."""
    moved = {}
    for factor in (1.0, 0.01):
        backbone = architecture.backbone(SMALL, 0.0, tuple(LAST[-1:]))
        weights.start(backbone, SMALL, "random", 0)
        before = values_of(backbone)
        options = Options(
            **{"epochs": 1, "batch": 64, "optimizer": "sgd", "momentum": 0, "dropout": 0, "schedule": "constant"},
            **{"warmup": 0, "clip": 0, "select": "last", "strategies": ["surgical-top"]},
            head_init="glorot",  # the first gradients from a head of zeros are zero
            surgical={"top": {LAST[-1]: factor}},
        )
        network, _ = surgical.fit(backbone, problem(), 2, Trainer(options, 0, tmp_path / str(factor)))
        after = values_of(network)[: len(before)]
        moved[factor] = np.concatenate([(a - b).ravel() for a, b in zip(after, before)])
    assert np.abs(moved[1.0]).max() > 0
    np.testing.assert_allclose(moved[0.01], 0.01 * moved[1.0], rtol=0.02, atol=1e-7)


def test_a_recipe_compares_several_tables(tmp_path, cache_dir):
    settings = [
        "seeds=[0]",
        'finetune.strategies=["surgical-top", "surgical-bn"]',
        'finetune.surgical={ top = { "last:0.2" = 1.0 }, bn = { "type:BatchNormalization" = 0.5, "last:0.1" = 1.0 } }',
        "finetune.epochs=1",
    ]
    study = study_of(tmp_path, cache_dir, *settings)
    tasks = find(plan(study, []), "finetune", fold=0)
    assert [str(task.tags.method) for task in tasks] == ["surgical-top", "surgical-bn"]
    assert [len(task.params["options"]["surgical"]) for task in tasks] == [1, 1]
    for task in tasks:
        run_one(task, study.runs)
        assert pd.read_csv(study.runs.folder(task) / "predictions.csv").notna().all().all()
        assert keras.saving.load_model(study.runs.folder(task) / "model.keras").layers[-1].name == "scores"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategies": ["surgical"]}, "surgical trains the layers of a table"),
        ({"strategies": ["surgical-top"]}, "unknown strategy 'surgical-top'"),
        ({"surgical": {"top": {}}}, "at least 1 item"),
        ({"surgical": {"top": {"head_*": 0.0}}}, "greater than 0"),
    ],
)
def test_a_table_that_is_not_there_or_empty_is_refused(changes, message):
    with pytest.raises((ValueError, RequestError), match=message):
        Options(**changes)
