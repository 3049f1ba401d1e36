"""Learning without labels: every objective learns, reads no label, goes on after a kill, and says how it does."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops
from pretrain.lesson import Lesson

from indomain.errors import look_up
from indomain.networks import architecture, weights
from indomain.progress import silent
from indomain.training import trainer
from pretrain import pseudo_labels
from pretrain.decoder import Explained, Reconstruction, with_decoder
from pretrain.masked import Hidden
from pretrain.objectives import OBJECTIVES
from pretrain.probe import knn_accuracy
from pretrain.rotation import turns
from pretrain.simclr import nt_xent

SPEC = {"name": "dcnn-light", "shape": [24, 24, 1], "width": 0.125}
UNLABELLED = [name for name, objective in OBJECTIVES.items() if not objective.reads]
# What tells whether it learns, and what it must exceed after a few epochs on pictures with a bright upper edge.
TELLS = {"simclr": 0.05, "rotation": 0.5, "pseudo-labels": 0.4, "autoencoder": 0.2, "masked": 0.1, "source-labels": 0.7}
QUANTITY = {"simclr": "contrastive_accuracy", "autoencoder": "explained", "masked": "explained"}


class Source:
    """What an objective sees of its data: 48 pictures, bright at the top, each with a disc of its own size and place."""

    facts = {"classes": ["a", "b"], "origins": ["dark", "light"]}

    def __init__(self, labels=None):
        self.labels = np.arange(48) % 2 if labels is None else labels
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:24, :24]
        pictures = np.empty((48, 24, 24, 1))
        for number in range(48):
            row, column, radius = [*rng.uniform(6, 18, 2).tolist(), rng.uniform(3, 7)]
            disc = (y - row) ** 2 + (x - column) ** 2 < radius**2
            pictures[number, ..., 0] = 140 - 5 * y + 90 * disc - 60 * (number % 2 == 0)
        self.arrays = np.clip(pictures + rng.normal(0, 4, pictures.shape), 0, 255).astype(np.uint8)

    def table(self):
        origin = np.where(np.arange(48) % 2 == 0, "dark", "light")
        return pd.DataFrame({"row": np.arange(48), "y": self.labels, "split": "train", "origin": origin})

    def pictures(self, channels):
        return lambda rows: self.arrays[rows]


def learn(name, folder, source=None, epochs=6, note=silent, measure=None):
    folder.mkdir(exist_ok=True)
    objective = OBJECTIVES[name]
    own = {"clusters": 3, "every": 3} if name == "pseudo-labels" else {}
    options = objective.options(epochs=epochs, batch=16, learning_rate=3e-3, **own)
    backbone = architecture.backbone(SPEC)
    weights.initialise(backbone, 0)
    function = look_up({name: objective.function}, name, "objective")
    facts = function(Lesson(backbone, source or Source(), options, 0, folder, note, measure))
    return [np.array(weight) for weight in backbone.weights], facts, pd.read_csv(folder / "log.csv")


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second))


@pytest.mark.parametrize("name", sorted(TELLS))
def test_it_learns_and_says_so(name, tmp_path):
    before = [np.array(weight) for weight in architecture.backbone(SPEC).weights]
    weights, facts, log = learn(name, tmp_path, epochs=12, measure=lambda: {"probe_knn": 0.5})
    said = log[QUANTITY.get(name, "accuracy")]
    assert said.iloc[-1] > max(TELLS[name], said.iloc[0]), log
    assert facts["epochs"] == 12 and facts["images"] == 48 and (log["probe_knn"] == 0.5).all()
    assert not same(before, weights)


@pytest.mark.parametrize("name", UNLABELLED)
def test_labels_removed_change_no_bit(name, tmp_path):
    labelled, removed = Source(), Source(np.full(48, -1))
    first = learn(name, tmp_path / "labelled", labelled, epochs=3)
    assert same(first[0], learn(name, tmp_path / "removed", removed, epochs=3)[0])
    assert first[2].drop(columns="seconds").equals(pd.read_csv(tmp_path / "removed/log.csv").drop(columns="seconds"))


class Killed(Exception):
    pass


@pytest.mark.parametrize("name", ["pseudo-labels", "rotation", "masked", "autoencoder"])
def test_a_killed_pretext_goes_on_to_the_same_weights(name, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "SAVING", np.inf)
    unbroken, _, log = learn(name, tmp_path / "unbroken", epochs=5)

    # After the fourth epoch: pseudo-labels are then in the middle of an assignment.
    def kill(text, share=None):
        if text.startswith("epoch 4/"):
            raise Killed

    with pytest.raises(Killed):
        learn(name, tmp_path / "broken", epochs=5, note=kill)
    assert (tmp_path / "broken/state.npz").is_file()
    again, _, resumed = learn(name, tmp_path / "broken", epochs=5)
    assert same(unbroken, again)
    assert log.drop(columns="seconds").equals(resumed.drop(columns="seconds"))


def test_nt_xent_is_equation_one():
    rng = np.random.default_rng(0)
    views = rng.normal(size=(8, 5))
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    expected = []
    for i in range(8):
        others = [k for k in range(8) if k != i]
        similarity = np.exp(views @ views[i] / 0.5)
        expected.append(-np.log(similarity[(i + 4) % 8] / similarity[others].sum()))
    loss, _ = nt_xent(keras.ops.convert_to_tensor(views.astype("float32")), 0.5)
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)
    perfect = keras.ops.convert_to_tensor(np.concatenate([np.eye(4)] * 2).astype("float32"))
    assert float(nt_xent(perfect, 0.1)[1]) == 1.0


def test_turns_are_quarter_turns():
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    found = ops.convert_to_numpy(turns(ops.convert_to_tensor(images)))
    for number in range(4):
        np.testing.assert_array_equal(found[:, number], np.rot90(images, number, axes=(1, 2)))
    wide = ops.convert_to_numpy(turns(ops.convert_to_tensor(np.random.rand(1, 8, 12, 1).astype("float32"))))
    assert wide.shape == (1, 4, 8, 12, 1)
    np.testing.assert_allclose(wide[:, 2], wide[:, 0, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("squeezenet", (64, 64, 3)), ("dcnn-light", (50, 38, 1)), ("mobilenetv2", (64, 48, 3)), ("vgg16", (40, 40, 3))],
)
def test_a_decoder_gives_a_picture_of_the_same_shape(name, shape):
    backbone = architecture.backbone(
        {"name": name, "shape": list(shape), "width": 1.0 if name != "dcnn-light" else 0.125}
    )
    network = with_decoder(backbone, 8)
    assert network.output_shape[1:] == shape and network.input_shape == backbone.input_shape


def test_only_hidden_pixels_count():
    network = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Identity()])
    trainee = Reconstruction(network, "none", Hidden(0.5, 4), ops.absolute)
    clean = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    hidden = np.zeros((2, 8, 8, 1), "float32")
    hidden[:, :4] = 1
    made = np.where(hidden == 1, clean, 9.0).astype("float32")
    loss = trainee.compute_loss(y_pred={"made": made, "clean": clean, "counts": hidden})
    assert float(loss) == 0 and float(trainee.explained.result()) == 1
    made = np.where(hidden == 1, clean + 0.5, 9.0).astype("float32")
    assert float(trainee.compute_loss(y_pred={"made": made, "clean": clean, "counts": hidden})) == pytest.approx(0.5)
    seen, counts = trainee.spoil(ops.convert_to_tensor(clean * 255))
    seen, counts = ops.convert_to_numpy(seen), ops.convert_to_numpy(counts)
    assert set(np.unique(counts)) == {0.0, 1.0}
    np.testing.assert_allclose(seen[counts == 0], (clean * 255)[counts == 0], rtol=1e-5)
    mean = np.broadcast_to((clean * 255).mean(axis=(1, 2), keepdims=True), seen.shape)
    np.testing.assert_allclose(seen[counts == 1], mean[counts == 1], rtol=1e-4)


def test_explained_is_a_share_of_the_variance():
    metric = Explained(name="explained")
    metric.add(ops.convert_to_tensor([1.0, 1.0]), ops.convert_to_tensor([2.0, 2.0]))
    assert float(metric.result()) == pytest.approx(0.75)


def test_nearest_neighbours_are_other_patients():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 12)
    features = np.stack([np.cos(y * 1.5), np.sin(y * 1.5)], axis=1) + rng.normal(0, 0.05, (24, 2))
    assert knn_accuracy(features, y, np.arange(24).astype(str)) == 1.0
    # Each image has twins of its own patient that would give its label away.
    noise, labels = np.repeat(rng.normal(size=(30, 9)), 5, axis=0), np.repeat([0, 1] * 15, 5)
    assert knn_accuracy(noise, labels, np.arange(150).astype(str)) == 1.0
    assert knn_accuracy(noise, labels, np.repeat(np.arange(30), 5).astype(str)) < 0.75


def test_clusters_are_found_and_repeat():
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(4) * 10, 20, axis=0)
    features = np.hstack([centres + rng.normal(0, 0.1, centres.shape), np.zeros((80, 3))]).astype("float32")
    found = pseudo_labels.assigned(features, 4, 8, seed=0)
    assert pseudo_labels.agreement(found, np.repeat(np.arange(4), 20)) == pytest.approx(1.0)
    assert np.array_equal(found, pseudo_labels.assigned(features, 4, 8, seed=0))
    assert len(set(pseudo_labels.assigned(np.ones((9, 3), "float32"), 3, 2, 0))) == 3
