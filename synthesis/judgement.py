"""How synthetic images compare with real ones, by an ImageNet network's features, and what has gone wrong.

No test image is read: what is held out are the fold's validation images.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from indomain.networks import architecture, inference, weights
from indomain.networks.feature_sets import density_and_coverage, kid, nearest, variety
from indomain.networks.options import Architecture
from indomain.training import augmentation

EXTRACTOR = ("efficientnet-lite0", 96)  # the network whose features are compared, and the side of its images
NEIGHBOURS = 5
HALVINGS = 20
# From where on a judgement is said in words. A worthless generator misses these by far, a good one keeps them.
COLLAPSED_COVERAGE, COLLAPSED_VARIETY = 0.1, 0.3
MEMORISED = 0.99
NEAR, COPIES = 0.05, 0.25
LEAKED = 0.3
HARDLY_CHANGED = 2.0  # grey values
COLUMNS = [
    *("class", "real", "held_out", "made", "kid", "kid_real", "density", "coverage", "variety"),
    *("nearest", "nearest_held_out", "copies", "look_augmented", "look_augmented_real", "beware"),
]

# More columns where the images were translated from another class: by how many grey values, and the shares of the made and of the
# real images that are told as of the class.
OF_TRANSLATION = ["change", "told_as_class", "told_as_class_real"]


@dataclass(frozen=True)
class Seen:
    """The features of one class's images.

    Attributes:
        real: (images, features) of the training images.
        held_out: (others, features) of the validation images; there may be none.
        made: (synthetic ones, features).
        augmented: (images, features) of the training images after the augmentation that the generator saw.
    """

    real: np.ndarray
    held_out: np.ndarray
    made: np.ndarray
    augmented: np.ndarray


def features_of(images: np.ndarray) -> np.ndarray:
    """The features by which images are compared, float32 (images, 1280).

    Args:
        images: uint8 (images, rows, columns, channels), 0–255; there may be none.
    """
    name, side = EXTRACTOR
    spec = Architecture(name, 1.0, images.shape[1:], side)  # type: ignore[arg-type]
    network = architecture.backbone(spec)
    if not len(images):
        return np.zeros((0, network.output_shape[-1]), np.float32)
    weights.start(network, spec, "imagenet", 0)
    return inference.predict_arrays(network, images)


def augmented(images: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Images after an augmentation, uint8.

    Args:
        images: uint8 (images, rows, columns, channels), 0–255.
        name: a key of `indomain.training.registry.AUGMENTATIONS`.
        seed: of the augmentation.
    """
    changed = np.asarray(augmentation.apply(augmentation.layers_of(name, seed), images, training=True))
    return np.clip(np.round(changed), 0, 255).astype(np.uint8)


def judged(name: str, seen: Seen, accuracy: float, augments_before: bool) -> dict[str, float | str]:
    """One line of `judged.csv`.

    Args:
        name: the class.
        seen: the features of its images.
        accuracy: the discriminator's, at the end.
        augments_before: whether the generator learns from augmented images, so that augmented ones are what it should make.
    """
    real, made = seen.real, seen.made
    density, coverage = density_and_coverage(real, made, min(NEIGHBOURS, len(real) - 1))
    distances = nearest(made, real)[1]
    held_out = nearest(seen.held_out, real)[1] if len(seen.held_out) else np.empty(0)
    near = np.quantile(held_out, NEAR) if len(held_out) else np.nan
    look, look_real = _augmented_shares(seen)
    line: dict[str, float | str] = {
        "class": name,
        "real": len(real),
        "held_out": len(seen.held_out),
        "made": len(made),
        "kid": kid(real, made),
        "kid_real": kid_of_halves(real),
        "density": density,
        "coverage": coverage,
        "variety": variety(made) / max(variety(real), 1e-12),
        "nearest": float(np.median(distances)),
        "nearest_held_out": float(np.median(held_out)) if len(held_out) else np.nan,
        "copies": float((distances <= near).mean()) if len(held_out) else np.nan,
        "look_augmented": look,
        "look_augmented_real": look_real,
    }
    return line | {"beware": "; ".join(_beware(line, accuracy, augments_before))}


def translated(
    line: dict[str, float | str], number: int, seen: dict[int, Seen], change: float
) -> dict[str, float | str]:
    """A line of `judged.csv` with the columns of `OF_TRANSLATION`: what was translated may be of the old class still.

    Whoever translates between classes may do so without the signs of the disease, or draw signs that mean nothing (Cohen et al.
    2018, arXiv:1805.08841). A classifier on the features of the real training images is asked.

    Args:
        line: as `judged` returns it.
        number: the class that the images were translated to.
        seen: class number -> features, of both classes.
        change: of the images, in grey values.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    X = np.concatenate([seen[other].real for other in (0, 1)])
    y = np.repeat([0, 1], [len(seen[other].real) for other in (0, 1)])
    scale = max(float(X.std()), 1e-12)
    model = LogisticRegression(C=10 / X.shape[1], class_weight="balanced", max_iter=5000)
    real = cross_val_predict(model, X / scale, y, cv=4)[y == number] == number
    told = model.fit(X / scale, y).predict(seen[number].made / scale) == number
    beware = [str(line["beware"])] if line["beware"] else []
    beware += ["hardly changed images of the other class"] if change < HARDLY_CHANGED else []
    beware += ["told as of the other class more often than not"] if told.mean() < 0.5 else []
    values = {"change": change, "told_as_class": float(told.mean()), "told_as_class_real": float(real.mean())}
    return {**line, "beware": "; ".join(beware), **values}


def _beware(line: dict, accuracy: float, augments_before: bool) -> list[str]:
    """What has gone wrong, in words."""
    found = {
        "mode collapse": line["coverage"] < COLLAPSED_COVERAGE or line["variety"] < COLLAPSED_VARIETY,
        "the discriminator has learnt the training images by heart": accuracy > MEMORISED,
        "copies of training images": line["copies"] > COPIES,
        "augmentations have leaked": not augments_before
        and line["look_augmented"] - line["look_augmented_real"] > LEAKED,
    }
    return [words for words, is_so in found.items() if is_so]


def kid_of_halves(real: np.ndarray) -> float:
    """The distance between two halves of the same images, the mean of several: what it is between equals.

    Args:
        real: (images, features).
    """
    rng, half = np.random.default_rng(0), len(real) // 2
    orders = [rng.permutation(len(real)) for _ in range(HALVINGS)]
    return float(np.mean([kid(real[order[:half]], real[order[half:]]) for order in orders]))


def _augmented_shares(seen: Seen) -> tuple[float, float]:
    """The share of the made images that look augmented, and of the real ones, by classifiers that have not seen them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    X = np.concatenate([seen.real, seen.augmented])
    X, made = X / max(float(X.std()), 1e-12), seen.made / max(float(X.std()), 1e-12)
    y = np.repeat([0, 1], [len(seen.real), len(seen.augmented)])
    model = LogisticRegression(C=10 / X.shape[1], max_iter=5000)
    real = cross_val_predict(model, X, y, cv=4)[y == 0]
    return float(model.fit(X, y).predict(made).mean()), float(real.mean())


def distances(classes: list[str], seen: dict[int, Seen], ids: dict[int, np.ndarray]) -> pd.DataFrame:
    """The nearest training image of each synthetic image and of each image held out.

    Args:
        classes: names of the classes.
        seen: class number -> features.
        ids: class number -> names of its training images, in the order of `Seen.real`.
    """
    lines = []
    for number, known in seen.items():
        for kind, features in (("synthetic", known.made), ("held out", known.held_out)):
            if len(features):
                place, distance = nearest(features, known.real)
                names = {"class": classes[number], "kind": kind, "nearest": ids[number][place]}
                lines.append(pd.DataFrame({**names, "distance": distance}))
    return pd.concat(lines, ignore_index=True)
