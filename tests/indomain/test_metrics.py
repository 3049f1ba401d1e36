import numpy as np
import pytest
from sklearn import metrics as reference

from indomain import metrics

# Alammar et al. 2023: the only confusion matrices that give the three printed numbers (TP, FN, TN, FP).
HUMERUS, WRIST = (124, 16, 129, 19), (227, 68, 337, 27)


def from_counts(tp, fn, tn, fp):
    y = np.array([1] * (tp + fn) + [0] * (tn + fp))
    called = np.array([1] * tp + [0] * fn + [0] * tn + [1] * fp)
    return y, np.stack([1 - called, called], axis=1).astype(float)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        (
            HUMERUS,
            {
                "accuracy": 87.85,
                "f1": 87.63,
                "kappa": 75.69,
                "precision": 86.71,
                "sensitivity": 88.57,
                "specificity": 87.16,
            },
        ),
        (
            WRIST,
            {
                "accuracy": 85.58,
                "f1": 82.70,
                "kappa": 70.46,
                "precision": 89.37,
                "sensitivity": 76.95,
                "specificity": 92.58,
            },
        ),
    ],
)
def test_the_papers_confusion_matrices_give_the_printed_digits(counts, printed):
    found = metrics.evaluate(list(printed), *from_counts(*counts))
    assert {name: round(100 * float(value[0]), 2) for name, value in found.items()} == printed


def sample(classes, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, 90)
    scores = rng.dirichlet(np.ones(classes), 90) + 0.6 * np.eye(classes)[y]
    scores /= scores.sum(axis=1, keepdims=True)
    if ties:
        scores[:, 1] = np.round(scores[:, 1], 1)
        scores[:, 0] = 1 - scores[:, 1]
    return y, scores


@pytest.mark.parametrize("ties", [False, True])
def test_two_class_metrics_agree_with_scikit_learn(ties):
    y, scores = sample(2, ties=ties)
    called = scores.argmax(axis=1)
    expected = {
        "auroc": reference.roc_auc_score(y, scores[:, 1]),
        "auprc": reference.average_precision_score(y, scores[:, 1]),
        "brier": reference.brier_score_loss(y, scores[:, 1]),
        "accuracy": reference.accuracy_score(y, called),
        "balanced_accuracy": reference.balanced_accuracy_score(y, called),
        "f1": reference.f1_score(y, called),
        "f1_macro": reference.f1_score(y, called, average="macro"),
        "kappa": reference.cohen_kappa_score(y, called),
        "mcc": reference.matthews_corrcoef(y, called),
        "precision": reference.precision_score(y, called),
        "sensitivity": reference.recall_score(y, called),
        "specificity": reference.recall_score(y, called, pos_label=0),
    }
    found = metrics.evaluate(list(expected), y, scores)
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(expected)


def test_several_classes_agree_with_scikit_learn():
    y, scores = sample(4)
    called = scores.argmax(axis=1)
    expected = {
        "auroc": reference.roc_auc_score(y, scores, multi_class="ovr"),
        "f1_macro": reference.f1_score(y, called, average="macro"),
        "kappa": reference.cohen_kappa_score(y, called),
        "mcc": reference.matthews_corrcoef(y, called),
    }
    found = metrics.evaluate(list(expected), y, scores)
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(expected)


@pytest.mark.parametrize("name", list(metrics.METRICS))
def test_a_weight_of_two_is_the_image_twice(name):
    y, scores = sample(2, seed=3)
    weights = np.random.default_rng(1).integers(0, 3, len(y))
    repeated = np.repeat(np.arange(len(y)), weights)
    weighted = metrics.evaluate([name], y, scores, weights=weights)[name][0]
    assert weighted == pytest.approx(metrics.evaluate([name], y[repeated], scores[repeated])[name][0])


def test_calibration_error_of_a_known_case():
    # Ten images called with 0.9, five of them right: the gap is 0.4, of which chance alone makes √(0.5 · 0.5 / 9).
    scores = np.tile([0.1, 0.9], (10, 1))
    y = np.array([1] * 5 + [0] * 5)
    error = metrics.evaluate(["calibration_error"], y, scores)["calibration_error"][0]
    assert error == pytest.approx(np.sqrt(0.4**2 - 0.25 / 9))


def test_the_square_of_the_calibration_error_is_right_on_average_however_few_the_images():
    rng = np.random.default_rng(0)
    for shift, images in ((0.0, 60), (0.15, 60), (0.15, 600)):
        found = []
        for _ in range(400):
            positive = rng.uniform(0.65, 0.95, images)
            y = (rng.random(images) < positive - shift).astype(int)
            error = metrics.evaluate(["calibration_error"], y, np.stack([1 - positive, positive], axis=1))
            found.append(error["calibration_error"][0] * abs(error["calibration_error"][0]))
        assert np.mean(found) == pytest.approx(shift**2, abs=3 * np.std(found) / 20)


def test_what_is_not_defined_is_no_number():
    scores = np.tile([0.4, 0.6], (5, 1))
    found = metrics.evaluate(["auroc", "sensitivity", "specificity"], np.ones(5, int), scores)
    assert np.isnan(found["auroc"][0]) and np.isnan(found["specificity"][0]) and found["sensitivity"][0] == 1


@pytest.mark.filterwarnings("error")
def test_a_sample_without_images_has_no_accuracy_and_warns_of_nothing():
    scores = np.array([[0.2, 0.8], [0.7, 0.3]])
    found = metrics.evaluate(["accuracy", "kappa", "auroc"], np.array([1, 0]), scores, 1, np.array([[0, 0], [1, 1]]))
    assert np.isnan(found["accuracy"][0]) and found["accuracy"][1] == found["kappa"][1] == 1.0


def test_of_two_classes_the_last_is_positive_unless_another_is_named():
    y, scores = sample(2)
    last, named, first = (metrics.evaluate(["sensitivity"], y, scores, positive) for positive in (None, 1, 0))
    assert last["sensitivity"][0] == named["sensitivity"][0] != first["sensitivity"][0]


def test_the_other_class_as_positive_swaps_sensitivity_and_specificity():
    y, scores = sample(2)
    one, other = (metrics.evaluate(["sensitivity", "specificity"], y, scores, positive) for positive in (0, 1))
    assert one["sensitivity"][0] == other["specificity"][0] and one["specificity"][0] == other["sensitivity"][0]


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "precision"])
def test_of_several_classes_without_a_positive_one_some_metrics_do_not_exist(name):
    y, scores = sample(4)
    assert np.isnan(metrics.evaluate([name], y, scores)[name][0])


def test_an_average_precision_over_several_classes_is_the_mean_of_one_against_the_rest():
    y, scores = sample(3)
    expected = np.mean([reference.average_precision_score(y == number, scores[:, number]) for number in range(3)])
    assert metrics.evaluate(["auprc"], y, scores)["auprc"][0] == pytest.approx(expected)


def test_many_sets_of_weights_give_what_each_gives_alone():
    y, scores = sample(2)
    weights = np.random.default_rng(0).integers(0, 4, (5, len(y)))
    together = metrics.evaluate(list(metrics.METRICS), y, scores, weights=weights)
    for name, values in together.items():
        alone = [metrics.evaluate([name], y, scores, weights=row)[name][0] for row in weights]
        np.testing.assert_allclose(values, alone)
