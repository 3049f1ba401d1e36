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
    """Grad-CAM maps of a subject's images.

    Args:
        subject: the network, its images and their classes.
        seed: ignored: nothing is random.

    Returns:
        float32 (n, rows, columns), 0 … 1.
    """
    return grad_cam(subject.model, subject.images, subject.chosen)


def explain_plus_plus(subject: Subject, seed: int) -> np.ndarray:
    """Grad-CAM++ maps of a subject's images.

    Args:
        subject: the network, its images and their classes.
        seed: ignored: nothing is random.

    Returns:
        float32 (n, rows, columns), 0 … 1.
    """
    return grad_cam_plus_plus(subject.model, subject.images, subject.chosen)


def grad_cam(model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None = None) -> np.ndarray:
    """Grad-CAM: one map per image of the evidence for a class.

    Args:
        model: a flat network whose last two layers are `logits` and `scores`.
        images: (n, rows, columns, channels), 0–255.
        targets: int (n,), the class explained for each image.
        layer: name of the layer whose feature maps are used; None: the maps that enter `pool`.

    Returns:
        float32 (n, rows, columns), each map scaled to a maximum of 1; 0 everywhere where nothing supports the class.
    """
    # With the feature maps A^k of a layer and the logit y of the class, Grad-CAM weights each map by its mean gradient:
    #     w_k = mean_ij ∂y / ∂A^k_ij
    #     map = max(0, Σ_k w_k A^k)
    maps, gradients = _maps_and_gradients(model, images, targets, layer)
    return _heat(maps, gradients.mean(axis=(1, 2), keepdims=True), images)


def grad_cam_plus_plus(
    model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None = None
) -> np.ndarray:
    """Grad-CAM++: as `grad_cam`, with a weight for each position (equation 19 of the paper, for an exponential score).

    Where there are several findings, Grad-CAM tends to show the largest; Grad-CAM++ shows each of them.

    Args:
        model: a flat network whose last two layers are `logits` and `scores`.
        images: (n, rows, columns, channels), 0–255.
        targets: int (n,), the class explained for each image.
        layer: name of the layer whose feature maps are used; None: the maps that enter `pool`.

    Returns:
        float32 (n, rows, columns), each map scaled to a maximum of 1; 0 everywhere where nothing supports the class.
    """
    # With the gradients g^k_ij = ∂y / ∂A^k_ij, the weight of each position and that of its map are
    #     α^k_ij = (g^k_ij)² / (2 (g^k_ij)² + Σ_ab A^k_ab (g^k_ij)³)
    #     w_k = Σ_ij α^k_ij max(0, g^k_ij)
    maps, gradients = _maps_and_gradients(model, images, targets, layer)
    second, third = gradients**2, gradients**3
    below = 2 * second + third * maps.sum(axis=(1, 2), keepdims=True)
    shares = np.where(second > 0, second / np.where(below != 0, below, 1.0), 0.0)
    return _heat(maps, (shares * np.maximum(gradients, 0)).sum(axis=(1, 2), keepdims=True), images)


def _maps_and_gradients(
    model: keras.Model, images: np.ndarray, targets: np.ndarray, layer: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """The feature maps of a layer, (n, h, w, d), and the gradients of the logits of the targets with respect to them."""
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
    return np.stack([enlarged(image_heat, images.shape[1:3]) for image_heat in heat])


def enlarged(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map enlarged by bilinear interpolation and scaled to a maximum of 1; 0 everywhere if no value is above 0.

    Args:
        heat: (h, w).
        size: (rows, columns) of the result, which is float32.
    """
    large = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    greatest = float(large.max())
    return (np.maximum(large, 0) / greatest if greatest > 0 else np.zeros_like(large)).astype(np.float32)
