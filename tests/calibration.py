"""What both rooms of calibration are tested with: logits, and classes that keep to them."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of (n, classes) logits."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def draw() -> tuple[np.ndarray, np.ndarray]:
    """Logits (4000, 3), and classes drawn with the probabilities that these mean."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3))
    return logits, (softmax(logits).cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
