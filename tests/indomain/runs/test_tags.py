"""The words of a run: its coordinates, and what made its scores."""

import pytest

from indomain.runs.tags import Method, Tags


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (Method(strategy="full"), "full"),
        (Method(strategy="full", calibrated=True), "full, calibrated"),
        (Method(rule="concat", classifier="linear-svm"), "features: linear-svm"),
        (Method(rule="concat", classifier="linear-svm", tuned=True), "features: linear-svm, tuned"),
        (Method(rule="concat", classifier="mlp", networks=3), "fusion: mlp"),
        (Method(rule="pca", classifier="lda", networks=3), "fusion by pca: lda"),
        (Method(rule="score-mean", networks=3, calibrated=True), "fusion by score-mean: own heads, calibrated"),
        (
            Method(strategy="full", explanation="Grad-CAM", whose="predicted"),
            "full, Grad-CAM, of the predicted class",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_method_is_said_in_words(method, words):
    assert str(method) == words


def test_classifiers_and_fused_heads_learn_from_validation_images_and_strategies_do_not():
    assert Method(rule="concat", classifier="lda").learns_from_validation
    assert Method(rule="score-mean", networks=2).learns_from_validation
    assert not Method(strategy="full").learns_from_validation


def test_only_tags_that_are_set_are_written():
    tags = Tags(target="wrist", method=Method(strategy="full"), fold=0, seed=0)
    assert tags.words() == {"target": "wrist", "method": "full", "fold": 0, "seed": 0}


def test_numbers_are_named_in_the_title_and_the_profile_is_left_out():
    tags = Tags(profile="strict", target="wrist", chain="in-domain", fold=0, seed=2, step=1)
    assert tags.title() == "wrist · in-domain · fold 0 · seed 2 · step 1"


def test_tags_match_what_is_asked_and_nothing_more():
    tags = Tags(target="wrist", seed=0)
    assert tags.matches(target="wrist") and tags.matches(seed=0, chain=None)
    assert not tags.matches(target="wrist", seed=1)


def test_runs_are_grouped_by_some_of_their_tags():
    first, second = (Tags(target="wrist", chain="a", seed=seed) for seed in (0, 1))
    assert first.only("target", "chain") == second.only("target", "chain") == Tags(target="wrist", chain="a")


def test_as_parameters_a_method_keeps_its_parts():
    params = Tags(target="wrist", method=Method(strategy="full")).to_params()
    assert params["target"] == "wrist" and params["method"]["strategy"] == "full" and "chain" not in params
