from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from indomain.artifacts.features import read_features
from indomain.errors import Diverged
from indomain.networks import architecture, features, inference, weights
from indomain.progress import silent
from indomain.training import classifier, trainer
from indomain.training.batches import Batches
from indomain.training.options import TrainingOptions

HERE = Path(__file__).resolve().parent.parent
SPEC = {"name": "dcnn-light", "shape": [16, 16, 1], "width": 0.125}


def problem(count=48):
    """Pictures whose brightness is their class, with noise."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 2
    pictures = np.clip(90 + 70 * y[:, None, None, None] + rng.normal(0, 30, (count, 16, 16, 1)), 0, 255).astype(
        np.uint8
    )
    table = pd.DataFrame(
        {"row": np.arange(count), "y": y, "split": np.where(np.arange(count) % 4 == 3, "val", "train")}
    )
    return pictures, table


def learn(folder, options, seed=0, frozen=0.0, head_rate=1.0, shuffled=False):
    folder.mkdir(exist_ok=True)
    pictures, table = problem()
    if shuffled:
        table["y"] = np.random.default_rng(1).permutation(table["y"])
    backbone = architecture.backbone(SPEC, frozen)
    weights.initialise(backbone, seed)
    before = {layer.name: [np.array(w) for w in layer.weights] for layer in backbone.layers}
    network, facts = classifier.classify(
        backbone, table, lambda rows: pictures[rows], 2, options, seed, folder, silent, head_rate
    )
    return network, pd.read_csv(folder / "log.csv"), before, facts


def weights_of(network):
    return [np.array(weight) for weight in network.weights]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second))


def test_it_learns_and_the_same_seed_learns_the_same(tmp_path):
    options = TrainingOptions(epochs=4, batch=8, learning_rate=1e-2, augment="basic")
    first = weights_of(learn(tmp_path / "a", options)[0])
    other = weights_of(learn(tmp_path / "b", options, seed=1)[0])
    network, log, *_ = learn(tmp_path / "c", options)
    assert same(first, weights_of(network)) and not same(first, other)
    assert log["accuracy"].iloc[-1] > 0.8


def test_another_process_learns_the_same(tmp_path):
    import subprocess
    import sys

    program = (
        "import sys, pathlib, hashlib; sys.path.insert(0, 'tests'); import test_training as t\n"
        "options = t.TrainingOptions(epochs=2, batch=8, augment='basic')\n"
        "weights = t.weights_of(t.learn(pathlib.Path(sys.argv[1]), options)[0])\n"
        "print(hashlib.sha256(b''.join(w.tobytes() for w in weights)).hexdigest())"
    )
    command = [sys.executable, "-c", program]
    runs = [subprocess.run([*command, tmp_path / name], capture_output=True, text=True, cwd=HERE) for name in "ab"]
    assert runs[0].stdout and runs[0].stdout == runs[1].stdout, runs[0].stderr


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "SAVING", np.inf)
    options = TrainingOptions(epochs=4, batch=8, learning_rate=1e-2, augment="basic")
    unbroken, log, *_ = learn(tmp_path / "unbroken", options)
    expected = weights_of(unbroken)

    class Killed(Exception):
        pass

    original = trainer._Keeper.save

    def save_and_die(self):
        original(self)
        if len(self.log) == 2:
            raise Killed

    monkeypatch.setattr(trainer._Keeper, "save", save_and_die)
    with pytest.raises(Killed):
        learn(tmp_path / "broken", options)
    monkeypatch.setattr(trainer._Keeper, "save", original)
    resumed, resumed_log, *_ = learn(tmp_path / "broken", options)
    assert same(expected, weights_of(resumed))
    pd.testing.assert_frame_equal(log.drop(columns="seconds"), resumed_log.drop(columns="seconds"))
    assert not (tmp_path / "broken" / "state.npz").exists()


def test_the_best_epoch_is_kept_even_if_it_was_before_the_kill(tmp_path, monkeypatch):
    options = TrainingOptions(epochs=6, batch=8, learning_rate=1e-2)
    network, log, _, facts = learn(tmp_path / "best", options, shuffled=True)
    best = int(log["val_loss"].idxmin()) + 1
    assert facts["chosen_epoch"] == best < 6
    short, *_ = learn(
        tmp_path / "last", TrainingOptions(**{**options.model_dump(), "epochs": best, "select": "last"}), shuffled=True
    )
    stopped = weights_of(short)
    again, *_ = learn(tmp_path / "again", options, shuffled=True)
    assert same(stopped, weights_of(again))


def test_a_head_learns_on_features_what_it_learns_on_pictures(tmp_path):
    options = TrainingOptions(epochs=6, batch=8, learning_rate=1e-2, augment="none")
    pictures, table = problem()
    on_pictures, log, *_ = learn(tmp_path / "pictures", options, frozen=1.0, head_rate=10.0)
    expected = inference.predict(on_pictures, lambda rows: pictures[rows], table["row"].to_numpy())

    backbone = architecture.backbone(SPEC, 1.0)
    weights.initialise(backbone, 0)
    (tmp_path / "features").mkdir()
    features.write(tmp_path / "features", backbone, lambda rows: pictures[rows], table["row"].to_numpy())
    known = read_features(tmp_path / "features")
    head, _ = classifier.classify(
        features.stand_in(backbone), table, known, 2, options, 0, tmp_path / "features", silent, 10.0
    )
    whole = features.joined(backbone, head)

    # The same numbers in another order of summation: they differ in the last digits of a float32, if at all.
    np.testing.assert_allclose(pd.read_csv(tmp_path / "features/log.csv")["loss"], log["loss"], rtol=1e-5)
    found = inference.predict(whole, lambda rows: pictures[rows], table["row"].to_numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    on_features = inference.predict(head, known, table["row"].to_numpy())
    np.testing.assert_allclose(on_features, expected, rtol=1e-4, atol=1e-5)


def test_frozen_layers_and_their_batch_norm_do_not_move(tmp_path):
    options = TrainingOptions(epochs=2, batch=8, learning_rate=1e-2)
    network, _, before, _ = learn(tmp_path, options, frozen=0.5)
    names = [layer.name for layer in architecture.backbone(SPEC, 0.5).layers if layer.weights]
    half = names[: round(0.5 * len(names))]
    assert any("bn" in name for name in half)
    for name in names:
        after = [np.array(w) for w in network.get_layer(name).weights]
        assert same(before[name], after) == (name in half), name


def test_the_heads_learning_rate_is_scaled_under_adam(tmp_path):
    # Adam's first step has the length of the learning rate, whatever the gradient: scaling gradients would not show.
    moved = {}
    for rate in (1.0, 10.0):
        options = TrainingOptions(epochs=1, batch=64, learning_rate=1e-4, select="last")
        network, _, before, _ = learn(tmp_path / str(rate), options, head_rate=rate)
        bias = np.array(network.get_layer("logits").bias)
        stem = np.array(network.get_layer("stem1_conv").bias) - before["stem1_conv"][1]
        moved[rate] = np.abs(bias).max(), np.abs(stem).max()
    assert moved[10.0][0] == pytest.approx(10 * moved[1.0][0], rel=1e-3)
    assert moved[10.0][1] == pytest.approx(moved[1.0][1], rel=1e-3)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    options = TrainingOptions(epochs=3, batch=8, learning_rate=1e30, optimizer="sgd")
    with pytest.raises(Diverged, match="epoch 1"):
        learn(tmp_path, options)
    assert not np.isfinite(pd.read_csv(tmp_path / "log.csv")["loss"].iloc[-1]) and not (tmp_path / "state.npz").exists()


def test_shuffling_depends_on_seed_and_epoch_only():
    batches = Batches(lambda rows: rows, np.arange(10), np.arange(10), batch=4, seed=3)
    first = [batches[number][0].tolist() for number in range(len(batches))]
    batches.epoch = 1
    assert [batches[number][0].tolist() for number in range(len(batches))] != first
    batches.epoch = 0
    assert [batches[number][0].tolist() for number in range(len(batches))] == first
    assert sorted(sum(first, [])) == list(range(10))


def test_balanced_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_sample_weight

    y = np.array([0, 0, 0, 1])
    assert np.allclose(classifier.class_weights(y, 2, "balanced"), compute_sample_weight("balanced", y))


def test_a_saved_network_is_whole_and_flat(tmp_path):
    model = architecture.with_scores(architecture.with_head(architecture.backbone(SPEC), 2, 0.5))
    weights.initialise(model, 0)
    weights.save(model, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype("float32")
    assert np.allclose(loaded.predict_on_batch(pictures), model.predict_on_batch(pictures))
    assert np.allclose(np.sum(loaded.predict_on_batch(pictures), axis=1), 1, atol=1e-5)
    read = weights.load(tmp_path / "model.keras")
    assert np.allclose(read.predict_on_batch(pictures), model.predict_on_batch(pictures))
