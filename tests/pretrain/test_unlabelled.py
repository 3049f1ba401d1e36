import keras
import pytest

from indomain.networks import weights
from indomain.training.model import TrainingModel, compiled
from indomain.training.options import LearningOptions
from indomain.training.trainer import Trainer
from pretrain import unlabelled
from pretrain.step import PretrainingStep
from tests.pretrain.source import source
from tests.small import same, values_of

OPTIONS = LearningOptions(epochs=1, batch=20)


class Bright(TrainingModel):
    """Learns that every image is bright, which is an objective of a sort."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean((y_pred - 1) ** 2)


@pytest.fixture(scope="module")
def backbone():
    """A network of one layer, quick to trace."""
    inputs = keras.layers.Input((24, 24, 1))
    x = keras.layers.Conv2D(4, 3, name="stem")(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x))


@pytest.fixture
def learn(backbone, tmp_path):
    """Learns from the small source with a seed; returns the backbone's weights, facts, and the models made for it."""

    def learn(seed):
        made = []

        def make():
            head = keras.layers.Dense(1, name="bright")(backbone.output)
            made.append(compiled(Bright(keras.Model(backbone.input, head), "none"), OPTIONS))
            return made[-1]

        weights.initialise(backbone, seed)
        step = PretrainingStep(backbone, source(tmp_path, validation=True), Trainer(OPTIONS, seed, tmp_path))
        facts = unlabelled.learn(step, "bright", make)
        return values_of(backbone), facts, made

    return learn


def test_every_training_image_is_learnt_from_and_no_other(learn):
    assert learn(0)[1]["images"] == 36


def test_head_and_order_are_the_seeds_whatever_was_learnt_before(learn):
    first = learn(1)[0]
    assert not same(first, learn(2)[0])
    assert same(first, learn(1)[0])


def test_the_model_is_made_once_for_all_runs(learn):
    learn(0)
    assert not learn(3)[2]
