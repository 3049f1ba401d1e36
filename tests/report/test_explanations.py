"""The rows of the table that measure explanations."""

import numpy as np
import pytest

from indomain.runs.tags import Method
from report import statistics
from report.explanations import APART, DIFFERENT, explanation_rows
from tests.report.made import finished_run, measured_run, report_input, tags_of

NAN = float("nan")
MEANS = {"imagenet": [0.2, 0.4, 0.3], "other": [0.6, 0.7, 0.9]}


@pytest.fixture
def rows(tmp_path):
    """The rows of measured runs: (tags, values of four images, explanation) of each; None: it diverged."""

    def of(*runs, **options):
        shown = []
        for number, (tags, values, *names) in enumerate(runs):
            folder = tmp_path / str(number)
            gone = ("explain", "measure", tags, finished_run(folder, diverged="nan"))
            shown.append(gone if values is None else measured_run(folder, tags, values, *names))
        return explanation_rows(report_input({"test_metrics": ["pointing"], **options}, runs=shown))

    return of


def folds(chain, means, whose="true"):
    """Runs of several folds, in each of which four images have one value."""
    return [(tags_of(chain=chain, fold=fold, explained=whose), [mean] * 4) for fold, mean in enumerate(means)]


def of_chain(found, chain):
    return next(row for row in found if row.key.chain == chain)


def test_a_row_is_the_mean_over_images_of_all_folds(rows):
    row = of_chain(rows(*folds("other", MEANS["other"])), "other")
    assert row.mean == pytest.approx(2.2 / 3) and (len(row.sample.values), row.n_images) == (3, 12)
    assert (
        row.kind == "explanation"
        and row.metric == "pointing"
        and str(row.key.method) == "full, lime, of the true class"
    )


def test_several_folds_are_compared_by_the_corrected_t(rows):
    found = rows(*folds("imagenet", MEANS["imagenet"]), *folds("other", MEANS["other"]))
    compared = of_chain(found, "other").comparison
    by_hand = statistics.p_value(1.3 / 3, [statistics.folds_part(np.array([0.4, 0.3, 0.6]), 0.25)])
    assert compared.difference.p == pytest.approx(by_hand) and compared.difference.value == pytest.approx(1.3 / 3)
    assert (
        compared.difference.test.startswith("corrected resampled t") and of_chain(found, "imagenet").comparison is None
    )


def test_one_network_of_each_chain_is_compared_without_a_p(rows):
    found = rows((tags_of(explained="true"), [0, 0, 1, 0]), (tags_of(chain="other", explained="true"), [1, 0, 1, 1]))
    compared = of_chain(found, "other").comparison
    assert compared.difference.value == 0.5 and compared.family == "one training" and np.isnan(compared.difference.p)
    assert compared.difference.interval[0] < 0.5 < compared.difference.interval[1]


def test_what_lacks_a_fold_is_compared_with_nothing(rows):
    other = folds("other", MEANS["other"])
    other[1] = (other[1][0], None)
    row = of_chain(rows(*folds("imagenet", MEANS["imagenet"]), *other), "other")
    assert row.comparison is None and DIFFERENT in row.note and len(row.sample.values) == 2


def test_measures_that_are_not_compared_have_no_test(rows):
    found = rows(*folds("imagenet", MEANS["imagenet"]), *folds("other", MEANS["other"]), test_metrics=["energy"])
    assert all(row.comparison is None and row.note == "" for row in found if row.key.chain == "other")


def test_of_the_class_predicted_the_images_that_both_have_are_compared(rows):
    reference, other = (tags_of(chain=chain, explained="predicted") for chain in ("imagenet", "other"))
    compared = of_chain(rows((reference, [0, 0, None, 1]), (other, [1, 0, 1, None])), "other").comparison
    assert compared.difference.value == pytest.approx(0.5)


def test_of_the_class_predicted_no_image_in_common_is_said(rows):
    reference, other = (tags_of(chain=chain, explained="predicted") for chain in ("imagenet", "other"))
    row = of_chain(rows((reference, [0, 0, None, None]), (other, [None, None, 1, 1])), "other")
    assert row.comparison is None and APART in row.note


def test_explanations_are_compared_with_their_own_kind_only(rows):
    found = rows(
        (tags_of(explained="true"), [0, 0, 1, 0], "grad-cam"), (tags_of(chain="other", explained="true"), [1] * 4)
    )
    assert all(row.comparison is None for row in found)


def test_controls_of_the_true_class_are_listed_once(rows):
    every = [
        (tags_of(chain=chain, explained="true"), [0.1, 0.2, 0.1, 0.3], "anywhere") for chain in ("imagenet", "other")
    ]
    found = rows(*every)
    assert [row.key.chain for row in found] == ["imagenet"]
    assert str(found[0].key.method) == "full, a map that points anywhere, of the true class"


def test_a_control_that_only_its_measure_knows_is_treated_alike(rows):
    every = [(tags_of(chain=chain, explained="true"), [0.1, 0.2, 0.1, 0.3], "upside down") for chain in MEANS]
    assert [str(row.key.method) for row in rows(*every)] == ["full, upside down, of the true class"]


def test_controls_of_the_predicted_class_are_each_chains_own_and_compared_with_nothing(rows):
    every = [(tags_of(chain=chain, explained="predicted"), [0.1, 0.2, 0.1, 0.3], "middle") for chain in MEANS]
    found = rows(*every)
    assert [row.key.chain for row in found] == ["imagenet", "other"] and all(row.comparison is None for row in found)


def test_a_measure_of_findings_has_no_row_where_there_are_none(rows):
    assert rows((tags_of(explained="true"), [None] * 4)) == []


def test_blank_maps_are_not_in_the_mean_and_their_share_stands_beside_it(rows):
    row = rows((tags_of(explained="true"), [1, 0, NAN, None, 1, 1, 0, 0, 0, 0]))[0]
    assert row.mean == pytest.approx(3 / 8) and row.n_images == 8
    assert row.note == "11.1 % of the images have a blank map, and no value"


def test_a_row_of_blank_maps_alone_has_no_number_and_says_why(rows):
    row = rows((tags_of(explained="true"), [NAN] * 4))[0]
    assert np.isnan([row.mean, *row.interval]).all() and row.n_images == 0
    assert row.note == "100 % of the images have a blank map, and no value"


def test_the_images_that_have_a_map_in_both_chains_are_compared(rows):
    reference, other = (tags_of(chain=chain, explained="true") for chain in ("imagenet", "other"))
    row = of_chain(rows((reference, [0, 0, NAN, 1, 0]), (other, [1, 0, 1, NAN, 1])), "other")
    assert row.comparison.difference.value == pytest.approx(2 / 3) and row.note.startswith("20 % of the images")


def test_where_no_image_has_a_map_in_both_chains_it_is_said(rows):
    reference, other = (tags_of(chain=chain, explained="true") for chain in ("imagenet", "other"))
    row = of_chain(rows((reference, [0, NAN]), (other, [NAN, 1])), "other")
    assert row.comparison is None and APART in row.note and row.note.startswith("50 % of the images")


@pytest.mark.parametrize(("seeds", "words"), [([0], ""), ([0, 1], "first seed only")])
def test_of_several_seeds_the_row_says_that_it_is_the_first_ones(tmp_path, seeds, words):
    shown = [measured_run(tmp_path, tags_of(explained="true"), [0, 1, 0, 1])]
    assert explanation_rows(report_input(recipe={"seeds": seeds}, runs=shown))[0].note == words


def test_equal_values_are_remarked(rows):
    found = rows((tags_of(explained="true"), [1.0] * 4))
    assert found[0].note == "every patient, or every fold, gives the same value"
    assert 0 < found[0].interval[0] < 1 and found[0].interval[1] == 1, "four images are no certainty"


def test_a_classifiers_explanations_are_its_own_rows(rows):
    fused = tags_of(method=Method(classifier="lda"), explained="true")
    found = rows((tags_of(explained="true"), [0, 1, 0, 1]), (fused, [1, 1, 0, 1]))
    assert [str(row.key.method) for row in found] == [
        "full, lime, of the true class",
        "features: lda, lime, of the true class",
    ]
