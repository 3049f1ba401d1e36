"""The request for a split: what names it, and what does not."""

import pytest

from indomain.data.options import Profile, SourceOptions, TargetOptions
from indomain.data.pool import Pool
from indomain.data.request import SourceRequest, TargetRequest

STRICT, PAPER = Profile("strict"), Profile("paper")


@pytest.fixture(scope="module")
def hand(phantom_set) -> Pool:
    return Pool.of(phantom_set.part("hand"))


def target(pool: Pool, profile: Profile = STRICT, name: str = "hands", **options) -> TargetRequest:
    return TargetRequest(name, pool, TargetOptions.model_validate({"set": "phantom/hand", **options}), profile)


def source(pool: Pool, labelled: bool = True, **options) -> SourceRequest:
    return SourceRequest("s", pool, SourceOptions(**{"set": "phantom/hand", **options}), STRICT, labelled, ())


def test_the_papers_protocol_neither_groups_images_nor_holds_out_any_for_validation(hand):
    assert target(hand).split.grouped and target(hand).split.validated
    split = target(hand, PAPER).split
    assert not split.grouped and not split.validated


@pytest.mark.parametrize(("profile", "leaks", "kept"), [(STRICT, "kept", True), (PAPER, "refused", True)])
def test_leaks_are_kept_where_the_recipe_or_the_paper_keeps_them(hand, profile, leaks, kept):
    assert target(hand, profile, leaks=leaks).keeps_leaks is kept
    assert not target(hand, STRICT).keeps_leaks


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"profile": PAPER},
        {"leaks": "kept"},
        {"split": {"scheme": "official", "validation": 0.3}},
        {"classes": {"abnormal": ["abnormal"], "normal": ["normal"]}},
    ],
    ids=str,
)
def test_whatever_decides_how_a_target_is_drawn_is_in_its_key(hand, change):
    assert target(hand, **change).key() != target(hand).key()


def test_the_order_of_the_classes_is_in_the_key(hand):
    # Numbers of classes follow from it, and a dictionary's digest would not show it.
    one, other = (
        target(hand, classes={name: [name] for name in names}).key()
        for names in (["normal", "abnormal"], ["abnormal", "normal"])
    )
    assert one["order"] != other["order"]


def test_label_budgets_are_not_in_the_key(hand):
    # They are subsets of the training images of the same split.
    assert target(hand, fractions=[0.5], shots=[4]).key() == target(hand).key()


@pytest.mark.parametrize("change", [{"labelled": False}, {"set": "phantom/wrist"}, {"validation": 0.2}], ids=str)
def test_whatever_decides_how_a_source_is_drawn_is_in_its_key(hand, change):
    assert source(hand, **change).key() != source(hand).key()


def test_a_source_is_drawn_anew_for_other_targets(hand):
    class Drawn:
        digest = "0" * 12

    request = SourceRequest("s", hand, SourceOptions(set="phantom/hand"), STRICT, True, ((target(hand), Drawn()),))
    assert request.key() != source(hand).key()


def test_the_data_set_is_opened_once(hand):
    request = target(hand)
    assert request.dataset is request.dataset
