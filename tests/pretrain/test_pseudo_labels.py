import numpy as np
import pytest

from pretrain import pseudo_labels
from tests.pretrain.source import learn

TRUE = np.repeat(np.arange(4), 20)


@pytest.fixture(scope="module")
def features():
    """80 features in four clusters, with dead units beside them."""
    centres = np.repeat(np.eye(4) * 10, 20, axis=0)
    noise = np.random.default_rng(0).normal(0, 0.1, centres.shape)
    return np.hstack([centres + noise, np.zeros((80, 3))]).astype("float32")


def test_clusters_are_found(features):
    assert pseudo_labels.agreement(pseudo_labels.assigned(features, 4, 8, seed=0), TRUE) == pytest.approx(1.0)


def test_the_same_seed_finds_the_same_clusters(features):
    first, again = (pseudo_labels.assigned(features, 4, 8, seed=0) for _ in range(2))
    assert np.array_equal(first, again)


def test_images_that_are_all_alike_are_dealt_out(features):
    assert np.bincount(pseudo_labels.assigned(np.ones((9, 3), "float32"), 3, 2, 0)).tolist() == [3, 3, 3]


def test_agreement_does_not_depend_on_the_clusters_numbers():
    assert pseudo_labels.agreement(TRUE, (TRUE + 1) % 4) == pytest.approx(1.0)
    assert pseudo_labels.agreement(TRUE, np.tile(np.arange(4), 20)) < 0.1


def test_nmi_is_logged_for_every_assignment_but_the_first(tmp_path):
    log = learn("pseudo-labels", tmp_path, epochs=7)[2]
    assert np.flatnonzero(log["nmi"].notna()).tolist() == [3, 6]
    assert log["nmi"].dropna().between(0, 1).all()
