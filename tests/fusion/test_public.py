"""What can be used without recipes."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import fusion
from tests.fusion.features import BLOCKS, three_networks


@pytest.mark.parametrize("name", fusion.__all__)
def test_every_public_name_is_an_estimator(name):
    assert issubclass(getattr(fusion, name), BaseEstimator)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fusion' has no attribute 'Fusion'"):
        _ = fusion.Fusion


def test_the_example_of_the_docstring_tells_the_classes_apart():
    features, y, patients = three_networks()
    fused = make_pipeline(fusion.FeatureFusion(blocks=BLOCKS, components=0.95), LinearSVC())
    assert cross_val_score(fused, features, y, groups=patients, cv=GroupKFold(5)).mean() > 0.7
