"""What is explained: images, scores, the class explained, and what points where."""

import numpy as np
import pytest

from explain.subject import Subject, choose
from indomain.artifacts import predictions
from indomain.data.images import confounders
from indomain.data.split import Split


def test_the_images_explained_take_the_classes_in_turn():
    y = np.array([0, 0, 0, 1, 1, 0])
    chosen = choose(y, 4, 0)
    assert [int(y[place]) for place in chosen] == [1, 0, 1, 0] and len(set(chosen)) == 4


def test_more_images_than_there_are_are_all():
    assert sorted(choose(np.array([0, 0, 1]), 99, 0)) == [0, 1, 2]


def test_every_chain_is_explained_on_the_same_images(work):
    first, second = (Subject(work("measure", chain=chain)) for chain in ("random", "in-domain"))
    assert first.rows["id"].tolist() == second.rows["id"].tolist() and set(first.rows["split"]) == {"test"}
    assert not np.allclose(first.scores, second.scores)


def test_scores_are_those_that_the_network_predicted(work):
    given = work("measure")
    subject = Subject(given)
    rows, _, scores = predictions.read(given.inputs["network"] / "predictions.csv", ["normal", "abnormal"])
    positions = [rows["id"].tolist().index(name) for name in subject.rows["id"]]
    np.testing.assert_allclose(subject.scores, scores[positions], atol=1e-6)


@pytest.mark.parametrize("whose", ["true", "predicted"])
def test_the_class_explained_is_the_one_asked_for(work, whose):
    subject = Subject(work("measure", whose=whose))
    expected = subject.y if whose == "true" else subject.scores.argmax(axis=1)
    np.testing.assert_array_equal(subject.chosen, expected)


def test_a_finding_speaks_for_its_own_class_only(work):
    subject = Subject(work("measure", whose="predicted"))
    wrong = subject.chosen != subject.y
    assert wrong.any() and not subject.masks[wrong].any()


def test_masks_are_those_of_the_images(work):
    given = work("measure")
    subject = Subject(given)
    every = Split.open(given.task.paths).masks()
    np.testing.assert_array_equal(subject.masks, every[subject.rows["row"].to_numpy()])


def test_training_images_are_counted(work):
    assert Subject(work("measure")).num_learnt == 25


def test_where_a_marker_went_with_the_label_it_is_seen(work):
    given = work("measure", target="marked")
    subject = Subject(given)
    plain = Split.open(given.task.paths).images(1)(subject.rows["row"].to_numpy())
    carries = confounders.markers(subject.rows["id"].tolist(), subject.y, 1.0, 0)
    assert [not np.array_equal(a, b) for a, b in zip(plain, subject.images)] == carries.tolist() and carries.any()


def test_a_map_is_made_once(work):
    subject = Subject(work("measure"))
    assert subject.maps("grad-cam") is subject.maps("grad-cam")


def test_another_seed_is_another_map_of_a_method_that_draws(work):
    subject = Subject(work("measure"))
    assert not np.array_equal(subject.maps("lime"), subject.maps("lime", 1))
    np.testing.assert_array_equal(subject.maps("grad-cam"), subject.maps("grad-cam", 1))
