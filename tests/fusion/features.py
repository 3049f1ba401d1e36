"""What the tests of fusion share: features of three networks, and rules with their classifiers."""

from typing import Any

import numpy as np

from fusion.registry import classifier, rule

BLOCKS = [30, 12, 20]


def three_networks(seed: int = 0, count: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (count, 62), classes and patients: the first network tells the classes, the second a little, the third nothing.

    Each patient has two images.
    """
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.permutation(np.arange(count // 2) % 2), 2)
    parts = [rng.normal(0, 1, (count, width)) for width in BLOCKS]
    parts[0][:, :3] += 1.2 * y[:, None]
    parts[1][:, :2] += 0.7 * y[:, None]
    return np.concatenate(parts, axis=1), y, np.arange(count) // 2


def whole_of(name: str, learner: str = "logistic-regression", blocks: list[int] = BLOCKS) -> tuple[Any, Any]:
    """A rule of fusion with a classifier in it, and that classifier."""
    inside = classifier(learner, 0)
    return rule(name)(blocks, inside, None), inside


def counting(monkeypatch: Any, kind: type) -> list[tuple[int, ...]]:
    """The shapes of whatever estimators of a kind are fitted on from now on."""
    fits: list[tuple[int, ...]] = []
    plain = kind.fit
    monkeypatch.setattr(kind, "fit", lambda self, X, y=None: fits.append(X.shape) or plain(self, X, y))
    return fits
