"""Fusion: estimators of their own, fitted inside the fold by construction; rules, choices and kept files."""

import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.cross_decomposition import CCA
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from fusion import MRMR, CanonicalFusion, FeatureFusion, MutualInformation, ScoreFusion
from fusion.blocks import inner_folds
from fusion.classifiers import CLASSIFIERS, GRIDS
from fusion.estimators import Span
from fusion.fitting import fit, scores_of
from fusion.once import Once, once
from fusion.scores import likeliest_weights, searched_weights
from fusion.stage import RULES
from indomain.artifacts import fitted_classifier
from indomain.errors import RequestError, look_up

BLOCKS = [30, 12, 20]


@parametrize_with_checks(
    [
        FeatureFusion(),
        FeatureFusion(components=2),
        CanonicalFusion(),
        MRMR(features=2),
        MutualInformation(),
        ScoreFusion(),
        ScoreFusion(LogisticRegression(), rule="weighted"),
        ScoreFusion(rule="stacking"),
        ScoreFusion(rule="search"),
        Once(FeatureFusion()),
        Once(LogisticRegression()),
        Span(),
    ]
)
def test_the_estimators_are_scikit_learns(estimator, check):
    check(estimator)


@pytest.fixture(autouse=True)
def nothing_made(monkeypatch):
    monkeypatch.setattr("fusion.once._MADE", OrderedDict())
    monkeypatch.setattr("fusion.once._SIZES", {})


def three_networks(seed=0, count=120):
    """Features of three networks: the first tells the classes, the second a little, the third nothing; two images a patient."""
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.permutation(np.arange(count // 2) % 2), 2)
    parts = [rng.normal(0, 1, (count, width)) for width in BLOCKS]
    parts[0][:, :3] += 1.2 * y[:, None]
    parts[1][:, :2] += 0.7 * y[:, None]
    return np.concatenate(parts, axis=1), y, np.arange(count) // 2


def whole_of(rule, classifier="logistic-regression", blocks=BLOCKS):
    learner = look_up(CLASSIFIERS, classifier, "classifier")(0)
    return look_up(RULES, rule, "rule")(blocks, learner, None), learner


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_learns(rule):
    X, y, groups = three_networks()
    learnt = groups < 40
    fitted, _ = fit(*whole_of(rule), None, X[learnt], y[learnt], groups[learnt])
    scores = fitted.predict_proba(X[~learnt])
    assert np.allclose(scores.sum(axis=1), 1) and roc_auc_score(y[~learnt], scores[:, 1]) > 0.75


@pytest.mark.parametrize("rule", list(RULES))
def test_labels_by_chance_give_chance(rule):
    # What chooses features, networks, weights or settings outside its fold finds something in 300 features of noise.
    aucs = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, groups = rng.normal(size=(60, 300)), np.arange(60) // 2
        y = np.repeat(rng.permutation(np.arange(30) % 2), 2)
        X[1::2] = X[::2] + rng.normal(0, 0.1, (30, 300))  # two images of a patient are nearly the same
        whole, _ = whole_of(rule, blocks=[100, 50, 150])
        scores = cross_val_predict(whole, X, y, groups=groups, cv=GroupKFold(5), method="predict_proba")
        aucs.append(roc_auc_score(y, scores[:, 1]))
    assert 0.3 < np.mean(aucs) < 0.7, aucs


def test_a_planted_leak_is_out_of_reach():
    # A column that holds the test labels, and noise in training: nothing fitted on the training images can use it.
    rng = np.random.default_rng(0)
    y, groups = np.repeat(rng.permutation(np.arange(40) % 2), 2), np.arange(80) // 2
    aucs = []
    for train, test in GroupKFold(5).split(y, y, groups):
        X = rng.normal(size=(80, 200))
        X[test, 0] = 5.0 * y[test]
        for rule in ("mrmr", "score-search", "score-weighted"):
            fitted, _ = fit(*whole_of(rule, blocks=[100, 100]), None, X[train], y[train], groups[train])
            aucs.append(roc_auc_score(y[test], fitted.predict_proba(X[test])[:, 1]))
    assert 0.35 < np.mean(aucs) < 0.65


def test_canonical_fusion_is_scikit_learns_correlation_folded():
    X, y, _ = three_networks()
    fused = CanonicalFusion([30, 12], components=5)
    found = fused.fit_transform(X[:, :42])
    np.testing.assert_allclose(found, fused.transform(X[:, :42]))
    reduced = [reducer.transform(X[:, part]) for reducer, part in zip(fused.reducers_, fused.parts_)]
    by_hand = np.concatenate(CCA(5, max_iter=2000).fit(*reduced).transform(*reduced), axis=1)
    np.testing.assert_allclose(found, by_hand)
    assert CanonicalFusion(BLOCKS, components=5).fit_transform(X).shape == (120, 10)
    # Two networks that see the same thing under other names correlate wholly in it.
    rng = np.random.default_rng(1)
    common = rng.normal(size=(200, 2))
    views = [np.hstack([common @ rng.normal(size=(2, 6)), rng.normal(0, 0.01, (200, 4))]) for _ in range(2)]
    both = CanonicalFusion([10, 10], components=2).fit_transform(np.hstack(views))
    assert abs(np.corrcoef(both[:, 0], both[:, 2])[0, 1]) > 0.99


def test_in_the_span_of_the_images_a_linear_machine_learns_and_answers_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 300)), np.arange(40) % 2
    plain = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X[:30], y[:30])
    span = Span().fit(X[:30])
    assert span.transform(X).shape == (40, 30)
    spanned = LogisticRegression(tol=1e-10, max_iter=10_000).fit(span.transform(X[:30]), y[:30])
    np.testing.assert_allclose(spanned.predict_proba(span.transform(X)), plain.predict_proba(X), atol=1e-5)


def test_discriminant_analysis_does_not_hang_on_the_order_of_the_images():
    X, y, _ = three_networks()
    X = np.concatenate([X, np.random.default_rng(5).normal(size=(120, 300))], axis=1)
    order = np.random.default_rng(1).permutation(80)
    learner = [look_up(CLASSIFIERS, "lda", "classifier")(0) for _ in range(2)]
    first = learner[0].fit(X[:80], y[:80]).predict_proba(X[80:])
    np.testing.assert_allclose(learner[1].fit(X[:80][order], y[:80][order]).predict_proba(X[80:]), first, atol=1e-6)


def test_mutual_information_is_scikit_learns():
    from sklearn.feature_selection import mutual_info_classif

    X, y, _ = three_networks()
    bins = np.array([np.searchsorted(np.quantile(column, np.arange(1, 8) / 8), column) for column in X.T]).T
    expected = np.argsort(-mutual_info_classif(bins, y, discrete_features=True), kind="stable")[:6]
    assert set(MutualInformation(6).fit(X, y).chosen_) == set(expected)


def test_a_step_is_fitted_once_for_all_classifiers(monkeypatch):
    fits = counting(monkeypatch, FeatureFusion)
    X, y, groups = three_networks()
    first = [fit(*whole_of("concat", name), None, X, y, groups)[0].predict_proba(X) for name in ("lda", "naive-bayes")]
    assert len(fits) == 1
    again, _ = fit(*whole_of("concat", "lda"), None, X[:60], y[:60], groups[:60])
    assert len(fits) == 2 and not np.array_equal(again.predict_proba(X), first[0])


def counting(monkeypatch, kind):
    """The sizes of what is fitted from now on."""
    fits, plain = [], kind.fit
    monkeypatch.setattr(kind, "fit", lambda self, X, y=None: fits.append(X.shape) or plain(self, X, y))
    return fits


def test_all_rules_of_scores_share_their_classifiers(monkeypatch):
    fits = counting(monkeypatch, LogisticRegression)
    X, y, groups = three_networks()
    rules = [rule for rule in RULES if rule.startswith("score-") and rule != "score-stacking"]
    assert len(rules) == 3
    for rule in rules:
        fit(*whole_of(rule), None, X, y, groups)
    # Each network on all images, and on all but each of three folds.
    assert len(fits) == 12 and sum(count == len(X) for count, _ in fits) == 3
    # Other patients are other folds: nothing of the old ones may serve.
    fit(*whole_of("score-search"), None, X, y, np.roll(groups, 1))
    assert len(fits) == 12 + 9


def test_classifiers_share_the_span_of_the_images(monkeypatch):
    fits = counting(monkeypatch, Span)
    X, y, groups = three_networks()
    for name in ("knn", "lda", "linear-svm"):
        fit(*whole_of("concat", name), None, X, y, groups)
    assert len(fits) == 1


def test_threads_that_ask_for_the_same_wait_for_one():
    asked = []

    def work(number):
        asked.append(number)
        time.sleep(0.1)
        return np.arange(number)

    def fail(number):
        asked.append(number)
        time.sleep(0.1)
        raise ValueError(number)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: once(work, 41), range(8)))
        failed = [pool.submit(once, fail, 42) for _ in range(4)]
    assert asked == [41, 42] and all(one is found[0] for one in found)
    assert all(isinstance(one.exception(), ValueError) for one in failed)


def test_what_fails_is_asked_again():
    tries = []

    def work(number):
        tries.append(number)
        if len(tries) == 1:
            raise ValueError("no")
        return number

    with pytest.raises(ValueError, match="no"):
        once(work, 17)
    assert once(work, 17) == once(work, 17) == 17 and len(tries) == 2


def test_what_was_made_long_ago_is_let_go(monkeypatch):
    monkeypatch.setattr("fusion.once.MOST", 250_000)
    made = []

    def work(number):
        made.append(number)
        return np.zeros(100_000 if number else 400_000, np.uint8)

    for number in (1, 2, 1, 3, 1, 2):
        once(work, number)
    assert made == [1, 2, 3, 2]  # the one asked for lately stays
    once(work, 0)
    once(work, 0)
    assert made == [1, 2, 3, 2, 0]  # the last stays, however large


@pytest.mark.parametrize("rule", ["concat", "cca", "score-weighted"])
def test_no_digit_hangs_on_the_cores(rule, monkeypatch):
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


def test_patients_reach_the_folds_inside(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "fusion.scores.inner_folds", lambda y, groups, folds: seen.append(groups) or inner_folds(y, groups, 3)
    )
    X, y, groups = three_networks()
    with sklearn.config_context(enable_metadata_routing=True):
        fused = ScoreFusion(LogisticRegression(), BLOCKS, "weighted").set_fit_request(groups=True)
        cross_val_score(fused, X, y, params={"groups": groups}, cv=GroupKFold(3))
    assert len(seen) == 3 and all(len(found) == 80 for found in seen)


def test_a_shared_result_is_nobody_elses_array():
    X, y, _ = three_networks()
    mine = X.copy()
    Once(Span()).fit_transform(mine, y)
    mine[:] = 0
    np.testing.assert_array_equal(Once(Span()).fit_transform(X, y), X)
    # A classifier that transforms as well is asked to.
    expected = LinearDiscriminantAnalysis().fit(X, y).transform(X)
    np.testing.assert_allclose(Once(LinearDiscriminantAnalysis()).fit_transform(X, y), expected)


def test_mrmr_takes_no_feature_twice():
    # Two copies of the best feature, and a weaker one that says something else.
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    best, other = y + rng.normal(0, 0.6, 200), y + rng.normal(0, 0.9, 200)
    X = np.stack([best, best + rng.normal(0, 0.01, 200), other, *rng.normal(size=(5, 200))], axis=1)
    assert MRMR(2).fit(X, y).get_support().nonzero()[0].tolist() in ([0, 2], [1, 2])
    assert MutualInformation(2).fit(X, y).get_support().nonzero()[0].tolist() == [0, 1]
    assert MRMR(50).fit_transform(X, y).shape == X.shape


def test_the_weights_are_those_of_the_likeliest_mixture():
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    members = []
    for strength in (2.0, 0.7, 0.0):
        positive = 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, 300))))
        members.append(np.stack([1 - positive, positive], axis=1))
    found = likeliest_weights(members, y)
    truth = np.stack([one[np.arange(300), y] for one in members], axis=1)
    bounds, total = [(0, 1)] * 3, {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = minimize(lambda w: -np.log(truth @ w).mean(), [1 / 3] * 3, bounds=bounds, constraints=total)
    np.testing.assert_allclose(found, best.x, atol=2e-3)
    assert found[0] > 0.5 > found[2]


def test_the_search_finds_the_network_that_tells():
    X, y, groups = three_networks()
    search = ScoreFusion(LogisticRegression(), BLOCKS, "search")
    search.fit(X, y, groups=groups)
    assert 0 in search.members_ and 2 not in search.members_ and search.weights_[2] == 0
    scores = cross_val_score(search, X, y, groups=groups, cv=GroupKFold(4))
    assert scores.mean() > 0.65
    # Left out is left out: what the third network says changes nothing.
    other = X.copy()
    other[:, 42:] += 100
    np.testing.assert_array_equal(search.predict_proba(other), search.predict_proba(X))


def test_the_search_adds_what_helps_and_stops():
    y = np.array([0, 0, 1, 1])
    # What each says of the true class: two that complement each other, one that knows nothing, and the first once more.
    of_truth = np.array([[0.9, 0.9, 0.4, 0.4], [0.4, 0.4, 0.9, 0.9], [0.5, 0.5, 0.5, 0.5], [0.9, 0.9, 0.4, 0.4]])
    members = [np.stack([np.where(y == 0, one, 1 - one), np.where(y == 1, one, 1 - one)], axis=1) for one in of_truth]
    assert searched_weights(members, y).tolist() == [0.5, 0.5, 0, 0]
    assert searched_weights(members[2:], y).tolist() == [0, 1]


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_settings_are_chosen_inside(name):
    X, y, groups = three_networks()
    whole, learner = whole_of("concat", name)
    grid = {key: values[:2] for key, values in GRIDS[name].items()}
    fitted, chosen = fit(whole, learner, grid, X, y, groups)
    if not grid:
        assert chosen == {}  # nothing to choose
        return
    assert set(chosen["settings"]) == {key.rpartition("__")[2] for key in grid}
    assert all(value in [v for values in grid.values() for v in values] for value in chosen["settings"].values())
    assert fitted.predict_proba(X[:4]).shape == (4, 2)


def test_settings_of_a_classifier_inside_a_score_fusion():
    X, y, groups = three_networks()
    fitted, chosen = fit(*whole_of("score-weighted"), {"machine__C": [1.0, 0.01]}, X, y, groups)
    assert chosen["settings"]["C"] in (1.0, 0.01) and fitted.weights_.sum() == pytest.approx(1)
    with pytest.raises(RequestError, match="one patient only"):
        fit(*whole_of("score-weighted"), None, X[:30], np.r_[1, 1, np.zeros(28, int)], groups[:30])


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_a_fitted_classifier_is_kept_and_read_without_running_code(name, tmp_path):
    X, y = make_classification(60, sum(BLOCKS), n_informative=8, n_classes=3, random_state=0)
    for rule in ("concat", "score-search") if name == "lda" else ("concat",):
        whole, _ = whole_of(rule, name)
        whole.fit(X, y)
        fitted_classifier.write(tmp_path / "classifier.skops", whole)
        read = fitted_classifier.read(tmp_path / "classifier.skops")
        np.testing.assert_array_equal(read.predict_proba(X), whole.predict_proba(X))


def test_every_rule_is_kept_and_read(tmp_path):
    X, y, _ = three_networks()
    for rule in RULES:
        whole, _ = whole_of(rule)
        fitted_classifier.write(tmp_path / "classifier.skops", whole.fit(X, y))
        np.testing.assert_array_equal(
            fitted_classifier.read(tmp_path / "classifier.skops").predict_proba(X), whole.predict_proba(X)
        )


class Strange(LogisticRegression):
    """What a stranger might put into a file."""


def test_a_file_with_something_else_in_it_is_not_opened(tmp_path):
    fitted_classifier.write(tmp_path / "classifier.skops", make_pipeline(Strange().fit([[0], [1]], [0, 1])))
    with pytest.raises(RequestError, match="Strange, which no classifier here does"):
        fitted_classifier.read(tmp_path / "classifier.skops")


FUSED = """
[fusion]
classifiers = ["lda"]
networks = ["each", "all"]
subsets = [["squeezenet", "dcnn-light-w0.125"]]
rules = ["concat", "score-mean", "score-search"]
heads = ["score-mean", "score-weighted", "score-stacking", "score-search"]
tune = true
keep = ["lda"]
pooling = ["mean", "std"]
"""


def test_rules_subsets_heads_and_poolings_in_a_recipe(indomain, small_recipe, here):
    text = small_recipe.read_text().replace('[fusion]\nclassifiers = ["linear-svm"]\n', FUSED)
    text = text.replace('imagenet = ["imagenet"]\n', 'random = ["random"]\n')
    text = text.replace("[explain]\nimages = 2\nsamples = 60\nsegments = 16\n", "")
    light = ', { name = "dcnn-light", width = 0.125 }, { name = "dcnn", width = 0.125 }]'
    text = text.replace('backbones = ["squeezenet"]', f'backbones = ["squeezenet"{light}')
    text = text.replace("seeds = [0, 1]", "seeds = [0]").replace("epochs = 2", "epochs = 1")
    text = text.replace('strategies = ["full", "off-the-shelf"]\n', "")
    text = text.replace('["imagenet", "others:supervised"]', '["random", "others:supervised"]')
    small_recipe.write_text(text)
    status, _, err = indomain("run", "tiny.toml", "--set", "chains={random=['random']}")
    assert status == 0, err
    table = pd.read_csv(here / "runs/tiny/table.csv")
    methods = table.groupby("backbone")["method"].unique()
    pair, three = "squeezenet+dcnn-light-w0.125", "squeezenet+dcnn-light-w0.125+dcnn-w0.125"
    assert set(methods["squeezenet"]) == {"full", "features: lda, tuned"}
    fused = {"fusion: lda, tuned", "fusion by score-mean: lda, tuned", "fusion by score-search: lda, tuned"}
    heads = {f"fusion by score-{rule}: own heads" for rule in ("mean", "weighted", "stacking", "search")}
    assert set(methods[pair]) == set(methods[three]) == fused | heads
    assert table["mean"].notna().all()
    # The mean of the heads is the mean of the networks' scores.
    predictions = pd.read_csv(here / "runs/tiny/predictions.csv")
    own = predictions[(predictions["method"] == "full") & (predictions["split"] == "test")]
    mean = own.groupby("id")["score_abnormal"].mean()
    given = predictions[
        (predictions["method"] == "fusion by score-mean: own heads") & (predictions["backbone"] == three)
    ]
    np.testing.assert_allclose(given.set_index("id")["score_abnormal"], mean[given["id"]], atol=1e-6)
    # Under the papers' profile nothing is held out to learn weights on.
    status, _, err = indomain("plan", "tiny.toml", "--profile", "paper", "--set", "chains={random=['random']}")
    assert status == 2 and "score-weighted learns on validation images" in err
    small_recipe.write_text(text.replace('subsets = [["squeezenet", ', 'subsets = [["squeezenet-2", '))
    assert "unknown backbone 'squeezenet-2'" in indomain("plan", "tiny.toml")[2]
