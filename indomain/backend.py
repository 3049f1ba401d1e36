"""The one file that speaks to a backend directly: gradients of a function with respect to its input."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def value_and_gradient(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`function(x)`, shape (N,), and the gradient of its sum with respect to x, of x's shape.

    Args:
        function: made of Keras operations; takes and returns backend tensors.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = function(tensor)
        return np.asarray(value), np.asarray(tape.gradient(value, tensor))
    if backend == "jax":
        import jax

        def summed(tensor):
            value = function(tensor)
            return value.sum(), value

        (_, value), gradient = jax.value_and_grad(summed, has_aux=True)(jax.numpy.asarray(x))
        return np.asarray(value), np.asarray(gradient)
    if backend == "torch":
        import torch

        tensor = torch.tensor(x, requires_grad=True)
        value = function(tensor)
        return value.detach().numpy(), torch.autograd.grad(value.sum(), tensor)[0].numpy()
    raise RuntimeError(f"gradients are not written for the Keras backend {backend!r}")
