"""SimCLR: pull two augmented views of an image together, push views of different images apart.

Chen et al. 2020 (arXiv:2002.05709). Labels are never read. The projection head is discarded afterwards (section 4.2 of the
paper). The log's `contrastive_accuracy` shows whether it learns: the share of views whose nearest neighbour in the batch is
the other view of the same image.
"""

from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.step import PretrainingStep


class SimCLR(TrainingModel):
    """Learns to match two augmented views of each image.

    Args:
        network: images 0–255 to projections (n, d).
        augmentation: a key of `indomain.training.augmentation.AUGMENTATIONS`; it creates both views.
        temperature: divides the cosine similarities; see `nt_xent`.
    """

    def __init__(self, network: keras.Model, augmentation: str, temperature: float) -> None:
        super().__init__(network, augmentation)
        self.temperature = temperature
        self.contrastive_accuracy = keras.metrics.Mean(name="contrastive_accuracy")

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The projections (2n, d), of norm 1, of two views of each image; rows i and i + n belong together.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether they are augmented.
        """
        # Both views go through the network as one batch, so that batch normalisation treats them alike.
        views = ops.concatenate([self.augmented(images, training), self.augmented(images, training)], axis=0)
        return ops.normalize(self.network(views, training=training), axis=-1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The contrastive loss; of Keras' arguments only `y_pred`, the output of `call`, is used."""
        loss, matched = nt_xent(y_pred, self.temperature)
        self.contrastive_accuracy.update_state(matched)
        return loss


def nt_xent(views: Any, temperature: float) -> tuple[Any, Any]:
    """The normalised temperature-scaled cross-entropy (equation 1 of the paper), and the share of views matched.

    Args:
        views: (2n, d) of norm 1; rows i and i + n are views of the same image.
        temperature: divides the cosine similarities.

    Returns:
        The mean loss, and the share of views, 0 … 1, whose most similar other view is their partner.
    """
    # With similarities s_ij = z_i · z_j / T of the projections z, the loss of view i with partner p(i) is
    #     -log( exp(s_i,p(i)) / Σ_{j ≠ i} exp(s_ij) )
    # which is the cross-entropy of row i of the matrix s with the class p(i), once s_ii is pushed towards -∞: a view is
    # not a negative of itself.
    similarity = ops.matmul(views, ops.transpose(views)) / temperature
    count = ops.shape(views)[0]
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
