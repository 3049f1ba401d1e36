"""LIME: which superpixels raise a class's score when they are shown (Ribeiro et al. 2016, arXiv:1602.04938)."""

import keras
import numpy as np

BATCH = 256  # samples a forward pass: `predict` with small batches would be many times slower


def lime(
    model: keras.Model, images: np.ndarray, classes: np.ndarray, samples: int, segments: int, seed: int
) -> np.ndarray:
    """A map for each image: every superpixel's weight in LIME's linear model.

    Args:
        model: (N, rows, columns, channels), 0–255, to scores.
        images: (N, rows, columns, channels), uint8.
        classes: (N,), the class explained for each image.
        samples: hidden-superpixel pictures for each image.
        segments: superpixels for each image, about (SLIC, Achanta et al. 2012).
        seed: the same seed gives the same maps.

    Returns:
        float32 (N, rows, columns); positive where a superpixel speaks for the class.
    """
    from lime import lime_image
    from skimage.segmentation import slic

    channels = images.shape[-1]

    def scores(pictures: np.ndarray) -> np.ndarray:
        batch = np.asarray(pictures, np.float32)[..., :channels]
        # One shape for every call: the last batch is filled up.
        full = np.concatenate([batch, np.zeros((BATCH - len(batch), *batch.shape[1:]), np.float32)])
        return np.asarray(model.predict_on_batch(full))[: len(batch)]

    class Explainer(lime_image.LimeImageExplainer):
        """LIME's own, whose samples are made a batch at a time: the same draws, the same pictures, a fifth of the time."""

        def data_labels(self, image, fudged_image, segments, classifier_fn, num_samples, batch_size=BATCH):
            number = np.unique(segments).shape[0]
            data = self.random_state.randint(0, 2, num_samples * number).reshape((num_samples, number))
            data[0, :] = 1
            image, hidden = image.astype(np.float32), fudged_image.astype(np.float32)
            labels = []
            for begin in range(0, num_samples, batch_size):
                shown = data[begin : begin + batch_size][:, segments, None] == 1
                labels.append(classifier_fn(np.where(shown, image, hidden)))
            return data, np.concatenate(labels)

    def superpixels(picture: np.ndarray) -> np.ndarray:
        return slic(picture.astype(np.uint8), n_segments=segments, compactness=10, start_label=0)

    maps = []
    for picture, chosen in zip(images, classes):
        # LIME handles three channels only, and keeps its random state between pictures: a new one for each.
        colour = np.repeat(picture, 3, axis=-1) if channels == 1 else picture
        explainer = Explainer(random_state=seed)
        explanation = explainer.explain_instance(
            colour.astype(np.float64),
            scores,
            labels=(int(chosen),),
            top_labels=None,
            hide_color=None,
            num_features=10_000,
            num_samples=samples,
            batch_size=BATCH,
            segmentation_fn=superpixels,
            random_seed=seed,
        )
        heat = np.zeros(picture.shape[:2], np.float32)
        for segment, weight in explanation.local_exp[int(chosen)]:
            heat[explanation.segments == segment] = weight
        maps.append(heat)
    return np.stack(maps)
