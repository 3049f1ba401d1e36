"""LIME: which superpixels increase a class's score when they are visible (Ribeiro et al. 2016, arXiv:1602.04938)."""

import numpy as np
from lime import lime_image
from skimage.segmentation import slic

from explain.subject import Subject
from indomain.networks.inference import ARRAY_BATCH
from indomain.networks.scoring import Scorer


def explain(subject: Subject, seed: int) -> np.ndarray:
    """LIME maps of a subject's images.

    Args:
        subject: what is explained, its images and their classes.
        seed: seed of LIME's samples.

    Returns:
        float32 (n, rows, columns); positive where a superpixel supports the class.
    """
    options = subject.options
    return lime(subject.score, subject.images, subject.chosen, options["samples"], options["segments"], seed)


def lime(scores: Scorer, images: np.ndarray, targets: np.ndarray, samples: int, segments: int, seed: int) -> np.ndarray:
    """One map per image: the weight of every superpixel in LIME's linear model of the class's score.

    Args:
        scores: from images to scores, of a network or a fused classifier; see `indomain.networks.scoring`.
        images: uint8 (n, rows, columns, channels).
        targets: int (n,), the class explained for each image.
        samples: number of copies of each image with random superpixels hidden.
        segments: approximate number of superpixels per image (SLIC, Achanta et al. 2012).
        seed: seed of LIME's samples; the same for every image.

    Returns:
        float32 (n, rows, columns); positive where a superpixel supports the class.
    """
    channels = images.shape[-1]

    def scores_of_rgb(rgb_images: np.ndarray) -> np.ndarray:
        return scores(np.asarray(rgb_images, np.float32)[..., :channels])

    class Explainer(lime_image.LimeImageExplainer):
        """LIME's explainer with samples computed by batch: the same random numbers and images in a fifth of the time."""

        def data_labels(self, image, fudged_image, segments, classifier_fn, num_samples, batch_size=ARRAY_BATCH):
            number = np.unique(segments).shape[0]
            data = self.random_state.randint(0, 2, num_samples * number).reshape((num_samples, number))
            data[0, :] = 1
            image, hidden = image.astype(np.float32), fudged_image.astype(np.float32)
            labels = []
            for begin in range(0, num_samples, batch_size):
                shown = data[begin : begin + batch_size][:, segments, None] == 1
                labels.append(classifier_fn(np.where(shown, image, hidden)))
            return data, np.concatenate(labels)

    maps = []
    for image, target in zip(images, targets):
        # LIME needs three channels, and an explainer keeps its random state between images: each gets a new one.
        rgb = np.repeat(image, 3, axis=-1) if channels == 1 else image
        explainer = Explainer(random_state=seed)
        explanation = explainer.explain_instance(
            rgb.astype(np.float64),
            scores_of_rgb,
            labels=(int(target),),
            top_labels=None,
            hide_color=None,
            num_features=10_000,
            num_samples=samples,
            batch_size=ARRAY_BATCH,
            segmentation_fn=lambda rgb_image: superpixels(rgb_image, segments),
            random_seed=seed,
        )
        heat = np.zeros(image.shape[:2], np.float32)
        for segment, weight in explanation.local_exp[int(target)]:
            heat[explanation.segments == segment] = weight
        maps.append(heat)
    return np.stack(maps)


def superpixels(image: np.ndarray, segments: int) -> np.ndarray:
    """The number of each pixel's superpixel, int (rows, columns), 0 …; equal images have equal superpixels.

    Args:
        image: (rows, columns, channels), 0–255.
        segments: approximate number of superpixels.
    """
    # A grey image is repeated, as it is for LIME: SLIC would otherwise weight intensity against position differently.
    rgb = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
    return slic(rgb.astype(np.uint8), n_segments=segments, compactness=10, start_label=0)
