"""Adaptation of 2,000 labelled images of one set to 2,000 of another, 1,280 features; seconds with one thread, with the limit."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ratios import seconds_of, write
from fusion.adaptation import Adapted, scale_of
from fusion.registry import ADAPTATIONS

IMAGES, FEATURES, LIMIT = 2000, 1280, 10


def main() -> None:
    rng = np.random.default_rng(0)
    # Features of a network are correlated and of unequal size.
    mix = rng.normal(size=(FEATURES, FEATURES)) * np.geomspace(1, 0.02, FEATURES)
    hidden = rng.normal(size=(2, IMAGES, FEATURES))
    y = (hidden[0, :, 0] > 0).astype(int)
    X, target = (part @ mix.T / np.sqrt(FEATURES) for part in hidden)
    target = 1.3 * target + 0.1
    scale = scale_of(X)
    rows = []
    for name in ADAPTATIONS:
        # What is imported once is not a part of it.
        Adapted(name, 0).fit(X[:50, :8], y[:50], np.ones(50, int), target[:50, :8])
        with threadpool_limits(1):
            seconds = seconds_of(
                lambda name=name: Adapted(name, 0).fit(X / scale, y, np.ones(IMAGES, int), target / scale)
            )
        what = f"{name}: {IMAGES} and {IMAGES} images, {FEATURES} features"
        rows.append({"what": what, "ours": round(seconds, 2), "other": "", "ratio": "", "limit": LIMIT})
    write("adapting", rows)


if __name__ == "__main__":
    main()
