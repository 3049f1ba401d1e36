"""Features of several networks side by side."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion.concatenation import FeatureFusion
from tests.fusion.features import three_networks


@parametrize_with_checks([FeatureFusion(), FeatureFusion(components=2)])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_wide_block_does_not_outweigh_a_narrow_one():
    features = np.random.default_rng(0).normal(size=(50, 110))
    fused = FeatureFusion([10, 100]).fit_transform(features)
    assert (fused[:, :10] ** 2).sum() == pytest.approx((fused[:, 10:] ** 2).sum())


def test_components_found_in_the_span_of_the_images_are_those_of_pca():
    # More features than images: the span is the smaller space.
    features = np.random.default_rng(0).normal(size=(20, 110))
    scaled = FeatureFusion([10, 100]).fit_transform(features)
    expected = PCA(5, svd_solver="full").fit_transform(scaled)
    found = FeatureFusion([10, 100], components=5).fit_transform(features)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_a_share_keeps_as_many_components_as_explain_it():
    X, _, _ = three_networks()
    fused = FeatureFusion(components=0.5).fit(X)
    assert np.cumsum(fused.pca_.explained_variance_ratio_)[-1] >= 0.5 > fused.pca_.explained_variance_ratio_[:-1].sum()


def test_more_components_than_images_allow_are_cut():
    X, _, _ = three_networks()
    assert FeatureFusion(components=500).fit_transform(X[:8]).shape[1] == 8
