"""Fine-tuning beside the head of the source."""

import numpy as np
import pytest

from finetune import co_tuning
from finetune.plan import Options
from indomain.artifacts import source_head
from indomain.errors import RequestError
from indomain.networks import architecture, weights
from indomain.recipe.plan import make_plan
from indomain.runs import worker
from indomain.runs.task import find
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, values_of
from tests.studies import SMALL_STUDY, small_study

BOTH = "finetune.strategies=['full', 'co-tuning']"


def test_a_class_of_the_source_that_goes_with_one_of_the_target_is_found():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    # Class 0 of the source looks like class 0 of the target, class 2 like class 1, class 1 like both.
    said = np.stack([0.1 + 0.5 * (y == 0), np.full(200, 0.3), 0.1 + 0.5 * (y == 1)], axis=1) + rng.uniform(
        0, 0.05, (200, 3)
    )
    said /= said.sum(axis=1, keepdims=True)
    found = co_tuning.relation(said, y, 2)
    assert found.shape == (2, 3) and np.allclose(found.sum(axis=1), 1)
    assert found[0].argmax() == 0 and found[1].argmax() == 2 and found[0, 1] == pytest.approx(found[1, 1], abs=0.1)


def test_what_says_nothing_relates_all_alike():
    found = co_tuning.relation(np.full((20, 4), 0.25), np.arange(20) % 2, 3)
    assert np.allclose(found, 0.25)


def fitted(folder, weight):
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", 0)
    (folder / "source").mkdir(parents=True)
    rng = np.random.default_rng(1)
    source_head.write(
        folder / "source", rng.normal(size=(backbone.output_shape[-1], 3)).astype(np.float32), np.zeros(3, np.float32)
    )
    options = Options(epochs=20, batch=8, learning_rate=1e-2, co_weight=weight, strategies=["co-tuning"])
    return co_tuning.fit(backbone, problem(), 2, Trainer(options, 0, folder), folder / "source")


def test_it_learns_and_leaves_a_plain_classifier(tmp_path):
    network, facts = fitted(tmp_path, 1.0)
    assert network.layers[-1].name == "logits" and network.output_shape == (None, 2) and facts["source_classes"] == 3
    assert "source_logits" not in [layer.name for layer in network.layers]
    assert "0.9" in (tmp_path / "log.csv").read_text() or "1.0" in (tmp_path / "log.csv").read_text()


def test_the_second_head_changes_what_is_learnt(tmp_path):
    light = values_of(fitted(tmp_path / "a", 1e-6)[0])
    heavy = values_of(fitted(tmp_path / "b", 2.0)[0])
    assert not same(light, heavy)


def test_chains_that_have_learnt_classes_are_fitted_by_it_and_no_others(tmp_path, cache_dir):
    chains = 'chains={ random=["random"], classes=["random", "others:supervised"], alike=["random", "others:simclr"] }'
    study = small_study(tmp_path, cache_dir, SMALL_STUDY, BOTH, chains, "seeds=[0]")
    fitted = find(make_plan(study), "finetune")
    assert {task.tags.chain for task in fitted if str(task.tags.method) == "co-tuning"} == {"classes"}
    assert {task.tags.chain for task in fitted if str(task.tags.method) == "full"} == {"random", "classes", "alike"}
    with pytest.raises(
        RequestError, match="co-tuning goes on with the head of a chain whose last step has learnt classes"
    ):
        make_plan(small_study(tmp_path, cache_dir, SMALL_STUDY, BOTH, 'chains={ random=["random"] }'))


def test_a_whole_recipe_runs_with_it(tmp_path, cache_dir):
    one = "backbones=[{ name='dcnn-light', width=0.125 }]"
    quick = ["finetune.epochs=1", "pretrain.supervised.epochs=1", "seeds=[0]", "finetune.batch=8", "explain.images=0"]
    study = small_study(tmp_path, cache_dir, SMALL_STUDY, BOTH, one, *quick)
    tasks = make_plan(study)
    (task,) = [task for task in find(tasks, "finetune", chain="in-domain") if str(task.tags.method) == "co-tuning"]
    for needed in [*task.needed(), task]:
        worker.run_one(needed, study.runs)
    assert (study.runs.folder(task) / "predictions.csv").is_file()


def test_it_is_no_candidate_of_a_choice_that_every_chain_makes():
    with pytest.raises(ValueError, match="the same candidates, and co-tuning is for chains that have learnt classes"):
        Options(tune={"strategy": ["full", "co-tuning"]})
