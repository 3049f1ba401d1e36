"""Grad-CAM and Grad-CAM++: which positions of the last feature maps increase a class's logit.

Selvaraju et al. 2017, arXiv:1610.02391; Chattopadhay et al. 2018, arXiv:1710.11063.
"""

import keras
import numpy as np
from PIL import Image

from explain.subject import Subject
from indomain import backend
from indomain.networks import architecture
from indomain.networks.cache import cached_for


def explain(subject: Subject, seed: int) -> np.ndarray:
    """Grad-CAM of a subject's images; nothing is drawn."""
    return grad_cam(subject.model, subject.images, subject.chosen)


def explain_plus_plus(subject: Subject, seed: int) -> np.ndarray:
    """Grad-CAM++ of a subject's images; nothing is drawn."""
    return grad_cam_plus_plus(subject.model, subject.images, subject.chosen)


def grad_cam(model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None = None) -> np.ndarray:
    """A map for each image of what speaks for a class.

    Args:
        model: a flat network whose last two layers are `logits` and `scores`.
        images: (N, rows, columns, channels), 0–255.
        targets: (N,), the class explained for each image.
        layer: whose maps are weighed; default: the maps that enter `pool`.

    Returns:
        float32 (N, rows, columns), 0 … 1 for each image; all 0 where nothing speaks for the class.
    """
    maps, gradients = _maps_and_gradients(model, images, targets, layer)
    return _heat(maps, gradients.mean(axis=(1, 2), keepdims=True), images)


def grad_cam_plus_plus(
    model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None = None
) -> np.ndarray:
    """As `grad_cam`, each place weighed by its share in the class's score (their equation 19, for an exponential score).

    Of several findings Grad-CAM tends to show the largest; here each counts.
    """
    maps, gradients = _maps_and_gradients(model, images, targets, layer)
    second, third = gradients**2, gradients**3
    below = 2 * second + third * maps.sum(axis=(1, 2), keepdims=True)
    shares = np.where(second > 0, second / np.where(below != 0, below, 1.0), 0.0)
    return _heat(maps, (shares * np.maximum(gradients, 0)).sum(axis=(1, 2), keepdims=True), images)


def _maps_and_gradients(
    model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """The maps of a layer (N, h, w, d), and the gradients of each image's class's logit with respect to them."""
    layer = layer or architecture.maps_layer(model)
    head = cached_for(
        model, ("grad-cam", layer), lambda: keras.Model(model.get_layer(layer).output, model.get_layer("logits").output)
    )
    maps = np.asarray(architecture.up_to(model, layer).predict_on_batch(images.astype(np.float32)))
    chosen = np.eye(model.output_shape[-1], dtype=np.float32)[targets]
    _, gradients = backend.value_and_gradient(lambda x: keras.ops.sum(head(x, training=False) * chosen, axis=-1), maps)
    return maps, gradients


def _heat(maps: np.ndarray, weights: np.ndarray, images: np.ndarray) -> np.ndarray:
    heat = np.maximum((weights * maps).sum(axis=-1), 0)
    return np.stack([enlarged(one, images.shape[1:3]) for one in heat])


def enlarged(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map at (rows, columns), bilinear, its greatest value 1 (or 0 everywhere)."""
    large = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    greatest = float(large.max())
    return (np.maximum(large, 0) / greatest if greatest > 0 else np.zeros_like(large)).astype(np.float32)
