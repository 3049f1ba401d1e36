"""Fusion by canonical correlation."""

import numpy as np
from sklearn.cross_decomposition import CCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion.correlation import CanonicalFusion
from tests.fusion.features import BLOCKS, three_networks


@parametrize_with_checks([CanonicalFusion()])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_two_blocks_become_scikit_learns_canonical_variates():
    X, _, _ = three_networks()
    fused = CanonicalFusion([30, 12], components=5)
    found = fused.fit_transform(X[:, :42])
    reduced = [reducer.transform(X[:, part]) for reducer, part in zip(fused.reducers_, fused.parts_)]
    by_hand = np.concatenate(CCA(5, max_iter=2000).fit(*reduced).transform(*reduced), axis=1)
    np.testing.assert_allclose(found, by_hand)


def test_what_was_fitted_is_transformed_to_the_same():
    X, _, _ = three_networks()
    fused = CanonicalFusion([30, 12], components=5)
    np.testing.assert_allclose(fused.fit_transform(X[:, :42]), fused.transform(X[:, :42]))


def test_a_third_block_is_folded_in():
    X, _, _ = three_networks()
    assert CanonicalFusion(BLOCKS, components=5).fit_transform(X).shape == (120, 10)


def test_two_networks_that_see_the_same_thing_under_other_names_correlate_wholly_in_it():
    rng = np.random.default_rng(1)
    common = rng.normal(size=(200, 2))
    views = [np.hstack([common @ rng.normal(size=(2, 6)), rng.normal(0, 0.01, (200, 4))]) for _ in range(2)]
    both = CanonicalFusion([10, 10], components=2).fit_transform(np.hstack(views))
    assert abs(np.corrcoef(both[:, 0], both[:, 2])[0, 1]) > 0.99


def test_components_are_at_most_a_fifth_of_the_images():
    # With as many as there are images, any two blocks would correlate by chance.
    X, _, _ = three_networks()
    assert CanonicalFusion([30, 32], components=20).fit_transform(X[:30]).shape == (30, 12)
