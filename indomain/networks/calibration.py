"""Temperature scaling: scores as probabilities (Guo et al. 2017, arXiv:1706.04599)."""

import numpy as np
from scipy.optimize import minimize_scalar


def temperature(y: np.ndarray, scores: np.ndarray) -> float:
    """The temperature under which the true classes of validation images are most likely (Guo et al. 2017, arXiv:1706.04599).

    Args:
        y: int (n,), class numbers of validation images.
        scores: (n, classes), each row of sum 1.

    Returns:
        1/20 … 20; above 1 if the scores are overconfident.
    """
    # At the temperature T the scores p become p_c^(1/T) / Σ_k p_k^(1/T), which is softmax(log p / T). The temperature
    # minimises the mean cross-entropy
    #     loss(T) = -mean_i log p_i,y(i)(T)
    # It is searched for as log T, so that factors up and down count alike, within e^±3, a factor of about twenty: if all
    # images are classified correctly, the minimum is at T = 0.

    def loss(log_temperature: float) -> float:
        calibrated = tempered(scores, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(calibrated[np.arange(len(y)), y], 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Scores at a temperature: softmax(log score / temperature). The order of the classes does not change.

    Args:
        scores: (n, classes), each row of sum 1.
        temperature: above 0; values above 1 move the scores towards equality.

    Returns:
        (n, classes), each row of sum 1.
    """
    logits = np.log(np.clip(scores, 1e-8, 1.0)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
