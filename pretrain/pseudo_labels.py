"""Pseudo-labels: cluster the pictures by their present features, learn the clusters, cluster again (DeepCluster).

Caron et al. 2018 (arXiv:1807.05520): PCA with whitening, length 1, k-means; a new last layer after each assignment; every
cluster counts alike. Labels are never read. The log's `stability` tells whether it settles: the normalised mutual
information of an assignment with the one before (their figure 2b).
"""

from typing import Any

import numpy as np

from indomain.networks import inference
from indomain.training import classifier, model, trainer
from indomain.training.batches import Batches
from pretrain.lesson import Lesson
from pretrain.objectives import PseudoLabelOptions


def pretrain(lesson: Lesson[PseudoLabelOptions]) -> dict[str, Any]:
    """Trains the lesson's backbone in place on the pictures of the listing; returns facts for the run's record."""
    backbone, listing, options, seed = lesson.backbone, lesson.listing, lesson.options, lesson.seed
    table = listing.table()
    rows = table.loc[table["split"] == "train", "row"].to_numpy()
    count = min(options.clusters, max(2, len(rows) // 2))
    trainee = classifier.classifier(backbone, count, options, dropout=0)
    model.reset(trainee, options.learning_rate, seed)
    pictures = listing.pictures(backbone.input_shape[-1])
    none = np.zeros(len(rows), int)
    batches = Batches(pictures, rows, none, np.ones(len(rows)), options.batch, seed)

    def begin(epoch: int) -> dict[str, float]:
        if epoch % options.every:
            return {}
        assert batches.y is not None
        before = batches.y if epoch else None
        features = inference.predict(backbone, pictures, rows)
        found = assigned(features, count, options.components, seed + epoch)
        sizes = np.bincount(found, minlength=count)
        batches.give(found, len(found) / (count * sizes[found]))
        model.initialise_head(trainee, seed + epoch, ("logits",))
        return {} if before is None else {"stability": agreement(before, found)}

    log = trainer.fit(trainee, batches, None, options, lesson.folder, lesson.note, begin, lesson.measure)
    return trainer.facts(log, len(rows))


def assigned(features: np.ndarray, clusters: int, components: int, seed: int) -> np.ndarray:
    """The cluster, 0 … clusters − 1, of each row of `features` (n, d)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    # Features that are the same for every picture (dead units) have no variance to whiten.
    varied = features[:, features.std(axis=0) > 1e-6].astype(np.float64)
    if not varied.shape[1]:
        return np.arange(len(features)) % clusters
    kept = min(components, *varied.shape)
    reduced = PCA(kept, whiten=True, svd_solver="full").fit_transform(varied)
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-12)
    # k-means adds up the parts of its threads as they come: with one, a run is the same to the bit.
    with threadpool_limits(1):
        return KMeans(clusters, n_init=1, random_state=seed).fit_predict(reduced)


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """The normalised mutual information of two assignments, 0 … 1."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(first, second))
