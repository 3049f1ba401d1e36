import os

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops import io

from fusion import registry
from fusion.small_samples import FewNeighbors, Span
from indomain.artifacts import fitted_classifier
from indomain.errors import RequestError

FEATURES = np.random.default_rng(0).normal(size=(20, 4))
Y = np.arange(20) % 2


class Trap(BaseEstimator):
    """An estimator of no package of this installation; it leaves a file behind when it will be rebuilt."""

    def __init__(self, path=""):
        self.path = path

    def __setstate__(self, state):
        self.__dict__.update(state)
        os.makedirs(self.path)


@pytest.mark.parametrize("classifier", [LogisticRegression(), FewNeighbors(n_neighbors=3)])
def test_a_fitted_classifier_answers_the_same_after_it_was_read(tmp_path, classifier):
    fitted = make_pipeline(StandardScaler(), classifier).fit(FEATURES, Y)
    fitted_classifier.write(tmp_path / "classifier.skops", fitted)
    read = fitted_classifier.read(tmp_path / "classifier.skops", ["fusion"])
    np.testing.assert_array_equal(read.predict_proba(FEATURES), fitted.predict_proba(FEATURES))


@pytest.mark.parametrize("count", [8, 13, 40])
def test_nearest_neighbours_of_few_images_are_read_too(tmp_path, count):
    # With about a dozen images scikit-learn keeps them in a tree, with fewer or more it does not.
    features, y = np.random.default_rng(0).normal(size=(count, 20)), np.arange(count) % 2
    fitted = registry.classifier("knn", 0).fit(features, y)
    fitted_classifier.write(tmp_path / "classifier.skops", fitted)
    read = fitted_classifier.read(tmp_path / "classifier.skops", ["fusion"])
    np.testing.assert_array_equal(read.predict_proba(features), fitted.predict_proba(features))


def test_estimators_of_packages_that_are_not_named_are_refused_unopened(tmp_path):
    fitted_classifier.write(tmp_path / "classifier.skops", Span().fit(FEATURES))
    with pytest.raises(RequestError, match="fusion.small_samples.Span, which no classifier here does; it was"):
        fitted_classifier.read(tmp_path / "classifier.skops", ["explain"])


def test_a_foreign_estimator_is_refused_before_its_code_runs(tmp_path):
    io.dump(Trap(str(tmp_path / "sprung")), tmp_path / "classifier.skops")
    with pytest.raises(RequestError, match="Trap, which no classifier here does"):
        fitted_classifier.read(tmp_path / "classifier.skops", ["fusion"])
    assert not (tmp_path / "sprung").exists()


def test_of_a_package_named_only_estimators_are_trusted(tmp_path):
    # A function of the package is no estimator, whatever it would do.
    fitted = LogisticRegression().fit(FEATURES, Y)
    fitted.extra = fitted_classifier.write
    io.dump(fitted, tmp_path / "classifier.skops")
    with pytest.raises(RequestError, match=r"indomain\.artifacts\.fitted_classifier\.write, which no classifier"):
        fitted_classifier.read(tmp_path / "classifier.skops", ["indomain"])


def test_a_file_that_was_not_written_whole_does_not_appear(tmp_path):
    with pytest.raises(Exception):  # noqa: B017 - whatever skops raises for what it cannot write
        fitted_classifier.write(tmp_path / "classifier.skops", (value for value in ()))
    assert not list(tmp_path.iterdir())
