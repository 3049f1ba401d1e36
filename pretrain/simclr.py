"""SimCLR: two augmented views of a picture shall lie closer than any two pictures (Chen et al. 2020, arXiv:2002.05709).

Labels are never read. The projection head is thrown away afterwards (their section 4.2). The log's `contrastive_accuracy` tells
whether it learns: the share of views whose nearest neighbour in the batch is the other view of the same picture.
"""

from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.step import PretrainingStep


class SimCLR(TrainingModel):
    """The training model: a batch becomes two views, then projections of norm 1."""

    def __init__(self, network: keras.Model, augmentation: str, temperature: float) -> None:
        super().__init__(network, augmentation)
        self.temperature = temperature
        self.contrastive_accuracy = keras.metrics.Mean(name="contrastive_accuracy")

    def call(self, images: Any, training: bool | None = None) -> Any:
        # Both views go through the network as one batch, so that batch normalisation sees them alike.
        views = ops.concatenate([self.augmented(images, training), self.augmented(images, training)], axis=0)
        return ops.normalize(self.network(views, training=training), axis=-1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss, matched = nt_xent(y_pred, self.temperature)
        self.contrastive_accuracy.update_state(matched)
        return loss


def nt_xent(views: Any, temperature: float) -> tuple[Any, Any]:
    """The normalised temperature-scaled cross-entropy (equation 1 of the paper), and the share of views matched.

    Args:
        views: (2n, d) of norm 1; row i and row i + n show the same picture.
        temperature: divides the cosine similarities.
    """
    similarity = ops.matmul(views, ops.transpose(views)) / temperature
    count = ops.shape(views)[0]
    # A view is not its own negative.
    similarity = similarity - 1e9 * ops.eye(count, dtype=similarity.dtype)
    partner = ops.roll(ops.arange(count), count // 2)
    losses = keras.losses.sparse_categorical_crossentropy(partner, similarity, from_logits=True)
    matched = ops.cast(ops.equal(ops.argmax(similarity, axis=-1), ops.cast(partner, "int32")), "float32")
    return ops.mean(losses), ops.mean(matched)


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    backbone, options = step.backbone, step.options

    def make() -> TrainingModel:
        x = keras.layers.Dense(options.projection, activation="relu", name="projection1")(backbone.output)
        x = keras.layers.Dense(options.projection, name="projection2", dtype="float32")(x)
        network = keras.Model(backbone.input, x, name=backbone.name)
        return compiled(SimCLR(network, options.augment, options.temperature), options)

    return unlabelled.learn(step, "simclr", make)
