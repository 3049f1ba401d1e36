"""A convolutional restricted Boltzmann machine for a network's first convolution: our reading of Schlegl et al. 2014.

They pretrain a convolutional network by such machines on unlabelled patches, then train all of it on few labelled ones
(doi:10.1007/978-3-319-13972-2_8). Layers, filters and sampling are not known. Here the machine of Lee et al. 2009 (ICML,
doi:10.1145/1553374.1553453), without their pooling, learns the first convolution by one step of contrastive divergence
(Hinton 2002), with their sparsity; images are standardised one by one. Labels are never read. The log's
`explained_variance` shows whether it learns: the share of the images' variance that the hidden units give back.
"""

from typing import Any

import keras
from keras import ops

from indomain.errors import RequestError
from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.decoder import ExplainedVariance
from pretrain.step import PretrainingStep


class BoltzmannMachine(TrainingModel):
    """Learns the kernel and the hidden biases of a convolution whose visible units are Gaussian, of variance 1.

    Args:
        network: images 0–255 to the convolution's output before any activation; its last layer is the convolution.
        augmentation: a key of `indomain.training.registry.AUGMENTATIONS`.
        sparsity: the share of hidden units that should be on, 0 … 1.
        sparsity_cost: weight of the squared distance from it.
    """

    def __init__(self, network: keras.Model, augmentation: str, sparsity: float, sparsity_cost: float) -> None:
        super().__init__(network, augmentation)
        self.seen = keras.Model(network.input, network.layers[-1].input)
        self.convolution = network.layers[-1]
        self.sparsity, self.sparsity_cost = sparsity, sparsity_cost
        self.seed_generator = keras.random.SeedGenerator(5)
        self.explained_variance = ExplainedVariance(name="explained_variance")

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The visible units: images as the convolution sees them, each of mean 0 and variance 1.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether they are augmented.
        """
        values = self.seen(self.augmented(images, training), training=False)
        centred = values - ops.mean(values, axis=(1, 2, 3), keepdims=True)
        return centred / ops.sqrt(ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True) + 1e-6)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Contrastive divergence; of Keras' arguments only `y_pred`, the output of `call`, is used."""
        # With the visible v, the hidden h, the kernel W and the biases b, the free energy is
        #     F(v) = Σ v² / 2 - Σ log(1 + exp(W ∗ v + b))
        # and the gradient of F(v) - F(v'), v' being sampled from h sampled from v and held fixed, is that of the likelihood
        # as far as one step can tell. Σ v² / 2 has no weights.
        visible = y_pred
        on = ops.sigmoid(self.convolution(visible))
        sampled = ops.cast(keras.random.uniform(ops.shape(on), seed=self.seed_generator) < on, on.dtype)
        dreamt = ops.stop_gradient(self._back(sampled))
        self.explained_variance.add(ops.stop_gradient(self._back(on)) - visible, visible)
        free = [-ops.mean(ops.softplus(self.convolution(values))) for values in (visible, dreamt)]
        return (
            free[0] - free[1] + self.sparsity_cost * ops.mean(ops.square(ops.mean(on, axis=(0, 1, 2)) - self.sparsity))
        )

    def _back(self, hidden: Any) -> Any:
        """The mean of the visible units, given the hidden ones."""
        return ops.conv_transpose(hidden, self.convolution.kernel, strides=1, padding=self.convolution.padding)


def first_convolution(backbone: keras.Model) -> keras.layers.Conv2D:
    """The first convolution of a backbone.

    Args:
        backbone: the network.

    Raises:
        RequestError: it has none, or one with strides, from which there is no way back to the image.
    """
    for layer in backbone.layers:
        if type(layer) is keras.layers.Conv2D:
            if layer.strides != (1, 1):
                raise RequestError(
                    f"rbm: the first convolution of {backbone.name} skips pixels, so that hidden units cannot give back the "
                    "image. Use a backbone whose first convolution has no strides, such as ild-cnn, or another objective."
                )
            return layer
    raise RequestError(f"rbm: {backbone.name} has no convolution to learn; use another objective.")


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Learns the first convolution of the step's backbone on the images of its source; returns facts for the run's record."""
    options, learnt = step.options, first_convolution(step.backbone)

    def make() -> TrainingModel:
        linear = keras.layers.Conv2D(learnt.filters, learnt.kernel_size, padding=learnt.padding, name="boltzmann")
        network = keras.Model(step.backbone.input, linear(learnt.input))
        return compiled(BoltzmannMachine(network, options.augment, options.sparsity, options.sparsity_cost), options)

    def begin(model: TrainingModel) -> None:
        # What an earlier step has learnt goes on being learnt.
        kernel, *bias = learnt.get_weights()
        machine = model.network.get_layer("boltzmann")
        machine.set_weights([kernel, *(bias or [machine.get_weights()[1]])])

    model, facts = unlabelled.learnt(step, "rbm", make, begin=begin)
    kernel, bias = model.network.get_layer("boltzmann").get_weights()
    learnt.set_weights([kernel, bias][: len(learnt.get_weights())])
    return {**facts, "layer": learnt.name}
