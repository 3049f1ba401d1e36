import numpy as np
import pytest

from finetune import partial
from finetune.plan import Options, plan
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.runs.task import find
from indomain.toml import validated
from indomain.training import trainer as training_trainer
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, study_of, values_of

UPPER = ["from:block2_k1_conv"]


def begun(folder, monkeypatch, seed=0, start=99):
    """The weights of each layer as training begins, and what they were before: (before, begun, facts)."""
    backbone, seen = architecture.backbone(SMALL), {}
    weights.start(backbone, SMALL, "random", start)
    before = {layer.name: values_of(layer) for layer in backbone.layers if layer.weights}

    def look(self, logs=None):
        seen.update({layer.name: values_of(layer) for layer in backbone.layers if layer.weights})

    monkeypatch.setattr(training_trainer._Keeper, "on_train_begin", look)
    options = Options(epochs=1, batch=8, partial={"upper": UPPER}, strategies=["partial-upper"])
    _, facts = partial.fit(backbone, problem(), 2, Trainer(options, seed, folder))
    return before, seen, facts


def test_the_layers_named_begin_at_random_and_the_others_with_what_the_chain_learnt(tmp_path, monkeypatch):
    before, seen, facts = begun(tmp_path, monkeypatch)
    names = [layer.name for layer in architecture.backbone(SMALL).layers]
    later = {name for name in before if names.index(name) >= names.index("block2_k1_conv")}
    drawn = {name for name in before if not same(before[name], seen[name])}
    # Scales and shifts of batch normalisation are drawn at 1 and 0, where they have not been trained.
    assert {name for name in later if not name.endswith("_bn")} <= drawn <= later
    assert facts["drawn_layers"] == len(later) and 0 < len(later) < len(before)


def test_what_is_drawn_is_not_what_the_chain_began_with(tmp_path, monkeypatch):
    before, seen, _ = begun(tmp_path, monkeypatch, seed=3, start=3)
    assert not np.array_equal(before["fc1"][0], seen["fc1"][0]) and same(before["stem1_conv"], seen["stem1_conv"])


def test_each_seed_draws_others(tmp_path, monkeypatch):
    first, again, other = (
        begun(tmp_path / str(number), monkeypatch, seed)[1]["fc1"] for number, seed in enumerate((0, 0, 1))
    )
    assert same(first, again) and not np.array_equal(first[0], other[0])


def test_a_recipe_compares_several_numbers_of_layers(tmp_path, cache_dir):
    tables = 'finetune.partial={ two = ["from:block2_k1_conv"], none = ["last:1"] }'
    tasks = find(
        plan(
            study_of(
                tmp_path, cache_dir, "seeds=[0]", 'finetune.strategies=["full","partial-two","partial-none"]', tables
            ),
            [],
        ),
        "finetune",
        fold=0,
    )
    assert [str(task.tags.method) for task in tasks] == ["full", "partial-two", "partial-none"]
    assert [task.params["options"].get("partial") for task in tasks] == [None, {"two": UPPER}, {"none": ["last:1"]}]
    assert len({task.digest for task in tasks}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategies": ["partial"]}, "partial draws the layers of a table anew"),
        ({"strategies": ["partial-two"]}, "unknown strategy 'partial-two'"),
        ({"partial": {"two": []}}, "at least 1 item"),
    ],
)
def test_a_wrong_table_is_refused(options, message):
    with pytest.raises(RequestError, match=message):
        validated(Options, options, "recipe.toml: [finetune]")


def test_a_pattern_that_fits_no_layer_is_refused_before_any_work(tmp_path, cache_dir):
    from finetune import run

    settings = ["seeds=[0]", 'finetune.strategies=["partial-two"]', 'finetune.partial={ two = ["from:conv9"] }']
    with pytest.raises(RequestError, match="finetune.partial: dcnn_light.*unknown layer 'conv9'"):
        run.check(find(plan(study_of(tmp_path, cache_dir, *settings), []), "finetune"))
