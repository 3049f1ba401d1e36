"""Fitting a rule with its classifier, and choosing settings inside the training images."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fusion.blocks import inner_folds
from fusion.fitting import fit, scores_of
from fusion.registry import CLASSIFIERS
from indomain.errors import RequestError
from tests.fusion.features import three_networks, whole_of


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_settings_are_chosen_from_the_grid(name):
    X, y, groups = three_networks()
    grid = {key: values[:2] for key, values in CLASSIFIERS[name].grid.items()}
    fitted, chosen = fit(*whole_of("concat", name), grid, X, y, groups)
    expected = {key.rpartition("__")[2]: values for key, values in grid.items()}
    settings = chosen.get("settings", {})
    assert set(settings) == set(expected) and all(settings[key] in values for key, values in expected.items())
    assert fitted.predict_proba(X[:4]).shape == (4, 2)


def test_settings_are_those_that_do_best_on_patients_held_out():
    # Two images of a patient are alike: one neighbour is nearly always right unless patients are held out together.
    rng = np.random.default_rng(0)
    groups, y = np.arange(120) // 2, np.repeat(rng.permutation(np.arange(60) % 2), 2)
    X = np.repeat(rng.normal(size=(60, 30)), 2, axis=0) + rng.normal(0, 0.5, (120, 30)) + 0.3 * y[:, None]
    grid = {"machine__n_neighbors": [1, 15]}
    _, together = fit(*whole_of("concat", "knn", [30]), grid, X, y, groups)
    _, apart = fit(*whole_of("concat", "knn", [30]), grid, X, y, np.arange(120))
    assert together["settings"] == {"n_neighbors": 15} and apart["settings"] == {"n_neighbors": 1}


def test_settings_of_a_classifier_inside_a_score_fusion_are_chosen():
    X, y, groups = three_networks()
    fitted, chosen = fit(*whole_of("score-weighted"), {"machine__C": [1.0, 0.01]}, X, y, groups)
    assert chosen["settings"]["C"] in (1.0, 0.01) and fitted.weights_.sum() == pytest.approx(1)


def test_the_weights_of_networks_are_reported():
    X, y, groups = three_networks()
    fitted, chosen = fit(*whole_of("score-weighted"), None, X, y, groups)
    np.testing.assert_allclose(chosen["weights"], fitted.weights_, atol=5e-5)


def test_a_class_of_one_patient_has_nothing_to_choose_on():
    X, _, groups = three_networks()
    with pytest.raises(RequestError, match=r"one patient only.*ask for more labels"):
        fit(*whole_of("score-weighted"), None, X[:30], np.r_[1, 1, np.zeros(28, int)], groups[:30])


@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("rule", ["concat", "mrmr", "score-mean", "score-weighted"])
def test_patients_reach_the_inner_folds_of_a_classifier_wherever_it_is(rule, tuned, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "fusion.small_samples.inner_folds",
        lambda y, groups, folds: seen.append(groups) or inner_folds(y, groups, folds),
    )
    X, y, groups = three_networks()
    groups = groups + 1000  # no number of an image
    fit(*whole_of(rule, "linear-svm"), {"machine__estimator__C": [1.0, 0.1]} if tuned else None, X, y, groups)
    assert seen and all(set(found) <= set(groups) for found in seen)
    assert any(len(found) == len(X) for found in seen) and (tuned or rule == "score-weighted") == (
        min(map(len, seen)) < len(X)
    )


def test_a_class_of_one_patient_leaves_nothing_to_fit_a_margin_classifiers_scores_on():
    X, _, groups = three_networks()
    with pytest.raises(RequestError, match=r"one patient only: nothing can be held out; .*support vector machines"):
        fit(*whole_of("concat", "rbf-svm"), None, X[:30], np.r_[1, 1, np.zeros(28, int)], groups[:30])


@pytest.mark.parametrize("rule", ["concat", "cca", "score-weighted"])
def test_no_digit_depends_on_the_number_of_cores(rule, monkeypatch):
    # Products so large that linear algebra would share them out among threads.
    rng = np.random.default_rng(10)
    X, y, groups = rng.normal(size=(240, 1500)), np.arange(240) % 2, np.arange(240) // 3
    X[:, :20] += 0.3 * y[:, None]
    found = []
    for cores in (1, 2):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", str(cores))
        with threadpool_limits(cores):
            fitted, _ = fit(*whole_of(rule, "lda", [900, 600]), None, X[:200], y[:200], groups[:200])
            found.append(scores_of(fitted, X[200:]))
    np.testing.assert_array_equal(*found)
