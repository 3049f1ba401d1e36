"""Networks that are cut after a layer."""

import keras
import numpy as np
import pandas as pd
import pytest

import finetune.run
from finetune import truncated, tuning
from finetune.plan import Options, plan
from indomain.errors import Diverged, RequestError
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.runs.task import find
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem, same, study_of, values_of

OPTIONS = {"epochs": 2, "batch": 8, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def resnet50():
    return architecture.backbone(Architecture("resnet50", 1.0, (64, 64, 3)))


def torch_count(network: keras.Model) -> int:
    """Weights as the authors count them: their convolutions have no bias, and statistics are none."""
    biases = [layer.bias for layer in network.layers if isinstance(layer, keras.layers.Conv2D) and layer.use_bias]
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) - sum(
        int(b.shape[0]) for b in biases
    )


@pytest.mark.parametrize(("cut", "millions"), [("conv4_block6_out", 8.55), ("conv4_block4_out", 6.31)])
def test_the_published_cuts_have_the_published_sizes(resnet50, cut, millions):
    """TTL-1 and TTL-2 of Peng et al., of a ResNet-50 with 23.5 million weights."""
    network = architecture.with_head(truncated.cut_after(resnet50, cut), 2, 0.0)
    assert round(torch_count(network) / 1e6, 2) == pytest.approx(millions, abs=0.005)
    assert round(torch_count(architecture.with_head(resnet50, 2, 0.0)) / 1e6, 1) == 23.5


def test_a_network_can_be_cut_where_all_passes_through_one_layer(resnet50):
    names = truncated.cuts(resnet50)
    # The stem, which has two, and the sixteen blocks, whose insides have a way around them.
    assert len(names) == 18 and names[2] == "conv2_block1_out" and names[-1] == "conv5_block3_out"
    ends = ["conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"]
    assert truncated.stages(resnet50, names) == ends
    # What others built on the same layers changes nothing.
    truncated.cut_after(resnet50, "conv3_block1_out")
    assert truncated.cuts(resnet50) == names


def begun(seed=0):
    backbone = architecture.backbone(SMALL)
    weights.start(backbone, SMALL, "random", seed)
    return backbone


def test_what_is_left_is_trained_and_what_is_cut_off_is_not_there(tmp_path):
    backbone = begun()
    options = Options(**OPTIONS, truncated={"low": "stem2_relu"}, strategies=["truncated-low"])
    network, facts = truncated.fit(backbone, problem(), 2, Trainer(options, 0, tmp_path))
    names = [layer.name for layer in network.layers]
    assert names[-2:] == ["pool", "logits"] and "block1_concat" not in names and facts["cut"] == "stem2_relu"
    weights.save(architecture.with_scores(network), tmp_path / "model.keras")
    assert weights.load(tmp_path / "model.keras").output_shape == (None, 2)
    trained = values_of(network.get_layer("stem1_conv"))
    assert not same(trained, values_of(begun().get_layer("stem1_conv")))


def searched(folder, monkeypatch, liked, backbone=None):
    """A search that likes one cut on the validation images; returns network, facts and the table of what was tried."""
    folder.mkdir(exist_ok=True)
    options = Options(**OPTIONS, truncated={"any": "search"}, strategies=["truncated-any"])
    number = {}

    def goodness(y, scores):
        assert len(y) == 12
        name = truncated_name(folder, number)
        return (0.9 if name == liked else 0.5, -1.0 - 0.01 * len(number))

    monkeypatch.setattr(tuning, "goodness", goodness)
    network, facts = truncated.fit(backbone or begun(), problem(), 2, Trainer(options, 0, folder))
    return network, facts, pd.read_csv(folder / "search.csv")


def truncated_name(folder, seen):
    """The cut that is being tried: the one folder that has no result yet."""
    (path,) = [path for path in folder.glob("cut-*") if not (path / "tried.json").is_file()]
    seen[path.name] = True
    return path.name.removeprefix("cut-")


def test_a_search_tries_the_ends_of_the_stages_and_then_what_is_near_the_best(tmp_path, monkeypatch):
    names = truncated.cuts(begun())
    network, facts, tried = searched(tmp_path, monkeypatch, "stem2_relu")
    ends = truncated.stages(begun(), names)
    assert tried["cut"].tolist()[: len(ends)] == ends and set(tried["cut"]) <= set(names)
    assert facts["cut"] == "stem2_relu" and facts["cuts_tried"] == len(tried)
    place = names.index("stem2_relu")
    near = set(names[max(place - truncated.NEAR, 0) : place + truncated.NEAR + 1])
    assert set(tried["cut"]) == near | set(ends) and tried.set_index("cut")["weights"][names].is_monotonic_increasing
    assert network.layers[-3].name == "stem2_relu" and (tmp_path / "log.csv").is_file()


def test_the_cut_that_is_found_has_the_weights_that_it_has_alone(tmp_path, monkeypatch):
    network, _, _ = searched(tmp_path, monkeypatch, "stem2_relu")
    found = values_of(network)
    options = Options(**OPTIONS, truncated={"low": "stem2_relu"}, strategies=["truncated-low"])
    (tmp_path / "alone").mkdir()
    alone, _ = truncated.fit(begun(), problem(), 2, Trainer(options, 0, tmp_path / "alone"))
    assert same(found, values_of(alone))


def test_a_killed_search_does_not_try_again_what_it_has_tried(tmp_path, monkeypatch):
    chosen = truncated._chosen
    monkeypatch.setattr(truncated, "_chosen", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, monkeypatch, "stem1_relu")
    tried = {path.name for path in tmp_path.glob("cut-*")}
    monkeypatch.setattr(truncated, "_chosen", chosen)
    monkeypatch.setattr(truncated, "_fitted", lambda *args: pytest.fail("a cut is trained again"))
    network, facts, table = searched(tmp_path, monkeypatch, "stem1_relu")
    assert {f"cut-{name}" for name in table["cut"]} == tried and facts["cut"] == "stem1_relu"
    found = values_of(network)
    (tmp_path / "alone").mkdir()
    monkeypatch.undo()
    options = Options(**OPTIONS, truncated={"low": "stem1_relu"}, strategies=["truncated-low"])
    alone, _ = truncated.fit(begun(), problem(), 2, Trainer(options, 0, tmp_path / "alone"))
    assert same(found, values_of(alone))
    # What was not chosen does not stay.
    assert not list(tmp_path.glob("cut-*"))


def test_a_search_without_validation_images_is_refused(tmp_path):
    examples = problem()
    examples.table["split"] = "train"
    options = Options(**OPTIONS, truncated={"any": "search"}, strategies=["truncated-any"])
    with pytest.raises(RequestError, match="a search chooses on validation images, and there are none"):
        truncated.fit(begun(), examples, 2, Trainer(options, 0, tmp_path))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('finetune.truncated={ low = "stem2_rel" }', "unknown layer with maps 'stem2_rel'. Did you mean 'stem2_relu'"),
        ('finetune.truncated={ low = "fc1" }', "unknown layer with maps 'fc1'"),
        ('finetune.truncated={ low = "image" }', "cut after 'image' has no weights left"),
    ],
)
def test_a_layer_that_leaves_nothing_is_refused_before_any_work(tmp_path, cache_dir, setting, message):
    study = study_of(tmp_path, cache_dir, 'finetune.strategies=["truncated-low"]', setting)
    with pytest.raises(RequestError, match=message):
        finetune.run.check(find(plan(study, []), "finetune"))


def test_a_strategy_without_a_table_is_told_how(tmp_path, cache_dir):
    with pytest.raises(
        RequestError, match='truncated cuts a network at the layer of a table: truncated.c4 = "conv4_block4_out"'
    ):
        plan(study_of(tmp_path, cache_dir, 'finetune.strategies=["truncated"]'), [])


def test_only_its_own_runs_depend_on_the_cut_and_timing_is_asked_for(tmp_path, cache_dir):
    both = 'finetune.strategies=["full","truncated-low"]'
    found = []
    for cut, timed in (("stem2_relu", "false"), ("stem1_relu", "true")):
        settings = ("seeds=[0]", both, f'finetune.truncated={{ low = "{cut}" }}', f"finetune.latency={timed}")
        found.append(find(plan(study_of(tmp_path, cache_dir, *settings), []), "finetune", fold=0))
    (full, low), (timed_full, timed_low) = found
    assert low.params["options"]["truncated"] == {"low": "stem2_relu"} and "truncated" not in full.params["options"]
    assert "latency" not in full.params and timed_full.params["latency"] is True
    assert {key: value for key, value in timed_full.params.items() if key != "latency"} == full.params
    assert timed_low.params["options"]["truncated"] == {"low": "stem1_relu"}


def test_a_cut_that_diverges_is_not_chosen_and_does_not_end_the_search(tmp_path, monkeypatch):
    fitted = truncated._fitted

    def diverging(backbone, cut, *others):
        if cut == "stem2_relu":
            raise Diverged("the loss became nan")
        return fitted(backbone, cut, *others)

    monkeypatch.setattr(truncated, "_fitted", diverging)
    _, facts, tried = searched(tmp_path, monkeypatch, "stem2_relu")
    assert facts["cut"] != "stem2_relu" and tried.set_index("cut").loc["stem2_relu", "validation_auroc"] == -1

    def all_diverge(*args):
        raise Diverged("the loss became nan")

    monkeypatch.setattr(truncated, "_fitted", all_diverge)
    with pytest.raises(Diverged, match="all . cuts that were tried"):
        searched(tmp_path / "all", monkeypatch, "stem2_relu")


def test_a_search_killed_while_it_clears_away_begins_those_again(tmp_path, monkeypatch):
    remove = truncated.shutil.rmtree

    def stop(path, **options):
        if path.name.startswith("cut-"):
            raise KeyboardInterrupt
        remove(path, **options)

    monkeypatch.setattr(truncated.shutil, "rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, monkeypatch, "stem1_relu")
    for path in tmp_path.glob("cut-*/network.npz"):
        path.unlink()
    monkeypatch.undo()
    options = Options(**OPTIONS, truncated={"any": "search"}, strategies=["truncated-any"])
    _, facts = truncated.fit(begun(), problem(), 2, Trainer(options, 0, tmp_path))
    assert facts["cut"] in truncated.cuts(begun()) and not list(tmp_path.glob("cut-*"))


def test_a_search_keeps_no_networks_in_memory(tmp_path, monkeypatch):
    from indomain.networks import cache

    backbone = begun()
    before = len(cache._CACHE)
    searched(tmp_path, monkeypatch, "stem1_relu", backbone)
    # The one that was chosen, and what is derived from it.
    assert len(cache._CACHE) <= before + 3
