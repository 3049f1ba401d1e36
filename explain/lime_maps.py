"""LIME: which superpixels raise a class's score when they are shown (Ribeiro et al. 2016, arXiv:1602.04938)."""

import numpy as np
from lime import lime_image
from skimage.segmentation import slic

from explain.scorers import Scorer
from explain.subject import Subject
from indomain.networks.inference import ARRAY_BATCH


def explain(subject: Subject, seed: int) -> np.ndarray:
    """LIME's maps of a subject's images."""
    options = subject.options
    return lime(subject.score, subject.images, subject.chosen, options["samples"], options["segments"], seed)


def lime(scores: Scorer, images: np.ndarray, targets: np.ndarray, samples: int, segments: int, seed: int) -> np.ndarray:
    """A map for each image: every superpixel's weight in LIME's linear model.

    Args:
        scores: of whatever is explained, a network or a fused classifier; see `explain.scorers`.
        images: (N, rows, columns, channels), uint8.
        targets: (N,), the class explained for each image.
        samples: hidden-superpixel pictures for each image.
        segments: superpixels for each image, about (SLIC, Achanta et al. 2012).
        seed: the same seed gives the same maps.

    Returns:
        float32 (N, rows, columns); positive where a superpixel speaks for the class.
    """
    channels = images.shape[-1]

    def of_colour(pictures: np.ndarray) -> np.ndarray:
        return scores(np.asarray(pictures, np.float32)[..., :channels])

    class Explainer(lime_image.LimeImageExplainer):
        """LIME's own, whose samples are made a batch at a time: the same draws, the same pictures, a fifth of the time."""

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
    for picture, chosen in zip(images, targets):
        # LIME handles three channels only, and keeps its random state between pictures: a new one for each.
        colour = np.repeat(picture, 3, axis=-1) if channels == 1 else picture
        explainer = Explainer(random_state=seed)
        explanation = explainer.explain_instance(
            colour.astype(np.float64),
            of_colour,
            labels=(int(chosen),),
            top_labels=None,
            hide_color=None,
            num_features=10_000,
            num_samples=samples,
            batch_size=ARRAY_BATCH,
            segmentation_fn=lambda one: superpixels(one, segments),
            random_seed=seed,
        )
        heat = np.zeros(picture.shape[:2], np.float32)
        for segment, weight in explanation.local_exp[int(chosen)]:
            heat[explanation.segments == segment] = weight
        maps.append(heat)
    return np.stack(maps)


def superpixels(picture: np.ndarray, segments: int) -> np.ndarray:
    """The number of each pixel's superpixel, (rows, columns): about `segments` of them; the same picture, the same ones."""
    # SLIC sees no difference between grey and its three copies but in the weight of colour against place.
    colour = np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture
    return slic(colour.astype(np.uint8), n_segments=segments, compactness=10, start_label=0)
