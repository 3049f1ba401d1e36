import numpy as np
import pytest

from indomain.artifacts import source_head
from indomain.errors import RequestError

RNG = np.random.default_rng(0)
KERNEL, BIAS = RNG.normal(size=(3, 4)).astype(np.float32), RNG.normal(size=4).astype(np.float32)


def test_probabilities_are_the_softmax_of_the_head(tmp_path):
    source_head.write(tmp_path, KERNEL, BIAS)
    features = RNG.normal(size=(5, 3)) * 300  # far outside of what an exponential can hold
    found = source_head.probabilities(tmp_path, features)
    logits = features @ KERNEL + BIAS
    assert found.shape == (5, 4) and np.allclose(found.sum(axis=1), 1) and (found.argmax(1) == logits.argmax(1)).all()
    few = source_head.probabilities(tmp_path, features / 300)
    logits = features / 300 @ KERNEL + BIAS
    assert np.allclose(few, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-6)


def test_a_run_without_a_head_and_features_of_another_network_are_refused(tmp_path):
    with pytest.raises(RequestError, match="has no head.npz"):
        source_head.probabilities(tmp_path, np.zeros((2, 3)))
    source_head.write(tmp_path, KERNEL, BIAS)
    with pytest.raises(RequestError, match="a network with 3 features, and these images have 5"):
        source_head.probabilities(tmp_path, np.zeros((2, 5)))
