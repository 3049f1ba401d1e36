"""Adaptation of networks: the losses by known answers, what they mend, and that no label of the target is seen."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops
from sklearn.metrics import balanced_accuracy_score

from finetune import adaptation
from finetune.adaptation import LOSSES, ReversedGradient, told_apart
from finetune.adapting import KIND
from finetune.plan import Options
from finetune.run import run
from indomain.artifacts import predictions
from indomain.data.split import Split
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer
from tests.finetune.test_adapting import NETWORKS
from tests.studies import small_study

METHODS = ["coral", "mmd", "dann"]


def value(tensor):
    return float(ops.convert_to_numpy(tensor))


def sides(count):
    """Masks of `count` images of each side."""
    return np.repeat([1.0, 0.0], count).astype("float32"), np.repeat([0.0, 1.0], count).astype("float32")


def test_coral_is_the_difference_of_means_and_of_covariances():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)) @ np.diag([1, 2, 3]) + [0, 1, 0]
    both = np.r_[one, two]
    scale = np.sqrt(both.var(axis=0).mean())
    a, b = one / scale, two / scale
    wanted = np.mean((a.mean(0) - b.mean(0)) ** 2) + np.mean((np.cov(a.T) - np.cov(b.T)) ** 2)
    assert value(adaptation.coral(both.astype("float32"), *sides(20))) == pytest.approx(wanted, rel=1e-3)


def test_mmd_is_the_mean_of_kernels_within_less_that_between():
    rng = np.random.default_rng(0)
    both = np.r_[rng.normal(size=(15, 2)), rng.normal(size=(15, 2)) + 2]
    distances = ((both[:, None] - both[None]) ** 2).sum(-1)
    kernel = sum(np.exp(-distances / (width * distances.mean())) for width in adaptation.WIDTHS) / 5
    wanted = kernel[:15, :15].mean() + kernel[15:, 15:].mean() - 2 * kernel[:15, 15:].mean()
    assert value(adaptation.mmd(both.astype("float32"), *sides(15))) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_equal_sides_cost_nothing_and_what_is_masked_changes_nothing(name):
    half = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    source, target = sides(8)
    assert value(LOSSES[name](np.r_[half, half], source, target)) == pytest.approx(0, abs=1e-6)
    apart = np.r_[half, half + 1]
    padded = np.r_[apart, 50 * np.ones((3, 4), "float32")]
    masks = [np.r_[mask, np.zeros(3, "float32")] for mask in (source, target)]
    assert value(LOSSES[name](padded, *masks)) == pytest.approx(value(LOSSES[name](apart, source, target)), rel=1e-4)
    # One side alone has nothing to be aligned with.
    assert value(LOSSES[name](half, np.ones(8, "float32"), np.zeros(8, "float32"))) == 0


def test_telling_sides_apart_counts_both_alike():
    logits = np.array([[0.0], [0.0], [0.0], [20.0]], "float32")
    source, target = np.array([1, 1, 1, 0], "float32"), np.array([0, 0, 0, 1], "float32")
    assert value(told_apart(logits, source, target)) == pytest.approx(np.log(2) / 2, rel=1e-3)


@pytest.mark.parametrize(("done", "factor"), [(0, 0.0), (1000, -1.0)])
def test_the_gradient_is_reversed_as_training_goes_on(done, factor):
    def stepped(layers):
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"), *layers]
        )
        for layer in layers:
            layer.done.assign(float(done))
            layer.steps.assign(1000.0)
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
        model.train_on_batch(np.ones((4, 1)), np.zeros((4, 1)))
        return float(model.layers[0].get_weights()[0][0, 0]) - 1

    assert stepped([ReversedGradient()]) == pytest.approx(factor * stepped([]), abs=1e-3)


# Two features tell the classes; the stronger one is shifted in the target so far that its classes look alike.
SHIFT = 3.0


def drawn(count, shift, seed):
    """Images of 2 × 1 pixels around 100, whose pixels are the two features, and their classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    x = rng.normal(size=(count, 2)) * [0.5, 0.5] + np.outer(2 * y - 1, [1.2, 1.0]) + [shift, 0]
    return np.clip(100 + 20 * x, 0, 255).astype(np.uint8).reshape(count, 2, 1, 1), y


def fitted(method, folder, seed=0):
    """Learns from 200 labelled images and 200 without labels; returns the balanced accuracy on others, and facts."""
    (X, y), (T, _), (E, ey) = drawn(200, 0, 1), drawn(200, SHIFT, 2), drawn(400, SHIFT, 3)
    both = np.concatenate([X, T])
    table = pd.DataFrame({"row": np.arange(400), "y": [*y, *[-1] * 200], "split": ["train"] * 200 + ["target"] * 200})
    keras.utils.set_random_seed(seed)
    image = keras.Input((2, 1, 1))
    x = keras.layers.Rescaling(1 / 20, offset=-5)(keras.layers.Flatten()(image))
    backbone = keras.Model(image, keras.layers.Dense(8, activation="tanh", name="pool")(x))
    options = Options(epochs=40, batch=20, learning_rate=1e-2, adaptation={"methods": METHODS})
    trainer = Trainer(options, seed, folder)
    params = {"adaptation": method, "weight": 10.0 if method == "dann" else 1.0, "hidden": 16}
    network, facts = adaptation._fit(backbone, Examples(lambda rows: both[rows], table), 2, trainer, params)
    said = ops.convert_to_numpy(network(E.astype("float32"))).argmax(axis=1)
    return balanced_accuracy_score(ey, said), facts


def test_what_the_shift_breaks_the_losses_mend(tmp_path):
    def worth(name, seeds=(0,)):
        found = []
        for seed in seeds:
            folder = tmp_path / f"{name}{seed}"
            folder.mkdir()
            found.append(fitted(name, folder, seed)[0])
        return np.mean(found)

    without = worth("source-only")
    assert without < 0.75
    assert worth("coral") > without + 0.1 and worth("mmd") > without + 0.1
    # Players that learn from each other end here or there, whatever else is equal.
    assert worth("dann", (0, 1, 2)) > without + 0.1


def test_the_control_has_as_many_steps_and_as_many_images_of_the_source_in_each(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    alone, aligned = fitted("source-only", tmp_path / "a")[1], fitted("coral", tmp_path / "b")[1]
    assert aligned["images"] == 2 * alone["images"] and aligned["epochs"] == alone["epochs"]


@pytest.fixture(scope="module")
def study(tmp_path_factory, cache_dir):
    one = small_study(tmp_path_factory.mktemp("networks"), cache_dir, NETWORKS, "finetune.epochs=2", "finetune.batch=8")
    return one, make_plan(one)


def run_of(study, row, folder):
    """Runs a row on the first fold; returns its scores and facts."""
    task = next(task for task in find(study[1], "finetune", KIND, fold=0, seed=0) if task.tags.method.adaptation == row)
    folder.mkdir()
    facts = run(Work(task, folder, {}))
    assert (folder / "model.keras").is_file()
    return predictions.read(folder / "predictions.csv", task.params["classes"]), facts


@pytest.mark.parametrize("row", ["source-only", *METHODS])
def test_an_adaptation_does_not_see_the_targets_labels(study, tmp_path, monkeypatch, row):
    (table, _, scores), facts = run_of(study, row, tmp_path / "true")
    assert set(table["split"]) == {"test"} and len(facts["source_shares"]) == len(facts["target_shares"]) == 2
    whole = Split.table

    def spoilt(split, fold=0):
        found = whole(split, fold)
        is_target = split.info.name != "elbow"
        return found.assign(y=found["y"].where((found["split"] == "test") | (not is_target), 1 - found["y"]))

    monkeypatch.setattr(Split, "table", spoilt)
    (_, _, again), _ = run_of(study, row, tmp_path / "spoilt")
    np.testing.assert_array_equal(scores, again)


def test_the_bound_learns_from_the_targets_labels_alone(study, tmp_path):
    (_, _, scores), facts = run_of(study, "target-trained", tmp_path / "bound")
    assert facts["images"] < 30 and "images_without_label" not in facts
    (_, _, others), _ = run_of(study, "source-only", tmp_path / "source")
    assert np.abs(scores - others).max() > 0


def test_a_killed_training_goes_on_to_the_same_bits(study, tmp_path, monkeypatch):
    (_, _, whole), _ = run_of(study, "dann", tmp_path / "whole")

    class Killed(Exception):
        pass

    ended = Trainer.fit

    def dies(self, *arguments, **named):
        calls = []

        def after_epoch():
            calls.append(1)
            if len(calls) == 2:
                raise Killed
            return {}

        self.after_epoch = after_epoch
        return ended(self, *arguments, **named)

    monkeypatch.setattr(Trainer, "fit", dies)
    task = next(
        task for task in find(study[1], "finetune", KIND, fold=0, seed=0) if task.tags.method.adaptation == "dann"
    )
    (tmp_path / "killed").mkdir()
    with pytest.raises(Killed):
        run(Work(task, tmp_path / "killed", {}))
    assert (tmp_path / "killed" / "state.npz").is_file()
    monkeypatch.undo()
    run(Work(task, tmp_path / "killed", {}))
    again = predictions.read(tmp_path / "killed" / "predictions.csv", task.params["classes"])[2]
    np.testing.assert_array_equal(whole, again)
