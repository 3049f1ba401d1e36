"""Pseudo-labels: cluster the images by their current features, learn the clusters as classes, repeat (DeepCluster).

Caron et al. 2018 (arXiv:1807.05520): PCA with whitening, features scaled to norm 1, k-means; a new last layer after each
assignment; every cluster has the same weight. Labels are never read. The log's `nmi` shows whether the clusters settle: the
normalised mutual information of an assignment with the previous one (figure 2b of the paper).
"""

from typing import Any

import numpy as np

from indomain.networks import inference
from indomain.training import model as training_model
from indomain.training.batches import Batches
from indomain.training.classifier import classifier
from pretrain.step import PretrainingStep


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    backbone, options, seed = step.backbone, step.options, step.trainer.seed
    images, rows = step.images(), step.training_rows()
    count = min(options.clusters, max(2, len(rows) // 2))
    model = classifier(backbone, count, options, dropout=0)
    training_model.reset(model, options.learning_rate, seed)
    batches = Batches(images, rows, np.zeros(len(rows), int), np.ones(len(rows)), options.batch, seed)

    def assign_clusters(epoch: int) -> dict[str, float]:
        if epoch % options.every:
            return {}
        assert batches.y is not None
        before = batches.y if epoch else None
        features = inference.predict(backbone, images, rows)
        clusters = assigned(features, count, options.components, seed + epoch)
        sizes = np.bincount(clusters, minlength=count)
        batches.give(clusters, len(clusters) / (count * sizes[clusters]))
        training_model.initialise_head(model, seed + epoch, ("logits",))
        return {} if before is None else {"nmi": agreement(before, clusters)}

    return step.trainer.fit(model, batches, before_epoch=assign_clusters)


def assigned(features: np.ndarray, clusters: int, components: int, seed: int) -> np.ndarray:
    """Assigns images to clusters by k-means on their whitened principal components, each scaled to norm 1.

    Args:
        features: (n, d).
        clusters: number of clusters, at most n.
        components: number of principal components; fewer where n or d is smaller.
        seed: seed of k-means.

    Returns:
        int (n,), the cluster of each image, 0 … clusters − 1.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    # Features that are equal for all images (dead units) have no variance to whiten.
    varied = features[:, features.std(axis=0) > 1e-6].astype(np.float64)
    if not varied.shape[1]:
        return np.arange(len(features)) % clusters
    count = min(components, *varied.shape)
    reduced = PCA(count, whiten=True, svd_solver="full").fit_transform(varied)
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-12)
    # k-means sums the results of its threads in the order in which they finish: with one thread, runs are reproducible to
    # the bit.
    with threadpool_limits(1):
        return KMeans(clusters, n_init=1, random_state=seed).fit_predict(reduced)


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """The normalised mutual information of two assignments, 0 … 1.

    Args:
        first: (n,), clusters.
        second: (n,), clusters of the same images.
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(first, second))
