"""Which images train, choose and test."""

import pandas as pd
import pytest

from indomain.data import folds
from indomain.data.dataset import Dataset, open_dataset
from indomain.data.options import SplitOptions
from indomain.data.pool import Pool
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image

SCHEMES = {"official": {}, "holdout": {"folds": 2}, "kfold": {"folds": 3}}


@pytest.fixture(scope="module")
def hands(phantom_set) -> Dataset:
    """12 patients with one to six images each."""
    return open_dataset(Pool.of(phantom_set.part("hand")))


def dataset_of(tmp_path, names: list[str], **more) -> Dataset:
    """A set of images with these names; labels, patients and splits stand in them."""
    images = {name: image(number) for number, name in enumerate(names)}
    return open_dataset(Pool.of(given(tmp_path / "data", images, **more)))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_patient_stands_on_two_sides(hands, scheme):
    table = folds.draw(hands, SplitOptions(scheme=scheme, validation=0.3, **SCHEMES[scheme]))
    assert table["fold"].nunique() == SCHEMES[scheme].get("folds", 1)
    for _, part in table.groupby("fold"):
        assert (part.groupby("group")["split"].nunique() == 1).all()
        assert set(part["split"]) == {"train", "val", "test"} and len(part) == len(hands)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_seed_draws_the_same_split_and_another_draws_another(hands, scheme):
    options = SplitOptions(scheme=scheme, validation=0.3, **SCHEMES[scheme])
    first = folds.draw(hands, options)
    pd.testing.assert_frame_equal(first, folds.draw(hands, options))
    assert not first.equals(folds.draw(hands, options.model_copy(update={"seed": 1})))


def test_each_image_tests_in_exactly_one_of_k_folds(hands):
    table = folds.draw(hands, SplitOptions(scheme="kfold", folds=3, validated=False))
    assert (table[table["split"] == "test"].groupby("id").size() == 1).all()
    assert table.loc[table["split"] == "test", "id"].nunique() == len(hands)


def test_repeated_folds_are_drawn_anew_and_each_image_tests_once_in_each_repeat(hands):
    once = SplitOptions(scheme="kfold", folds=2, validated=False)
    tested = folds.draw(hands, once.model_copy(update={"repeats": 5})).query("split == 'test'")
    parts = [set(tested.loc[tested["fold"] == fold, "id"]) for fold in range(10)]
    for repeat in range(5):
        first, second = parts[2 * repeat : 2 * repeat + 2]
        assert not first & second and len(first | second) == len(hands)
    assert len({frozenset(part) for part in parts[::2]}) > 1
    plain = folds.draw(hands, once).query("split == 'test'")
    assert [set(plain.loc[plain["fold"] == fold, "id"]) for fold in range(2)] == parts[:2]


def test_folds_drawn_once_are_the_split_that_they_were_before_they_could_be_repeated():
    assert "repeats" not in SplitOptions().identity() and SplitOptions(repeats=5).identity()["repeats"] == 5


def test_official_test_images_test_and_no_others(hands):
    table = folds.draw(hands, SplitOptions(scheme="official", validation=0.3))
    official = hands.index.set_index("id")["split"]
    assert set(table.loc[table["split"] == "test", "id"]) == set(official.index[official == "test"])


def test_held_out_shares_are_of_patients(hands):
    table = folds.draw(hands, SplitOptions(scheme="holdout", test=0.25, validation=1 / 3))
    assert table.groupby("split")["group"].nunique().to_dict() == {"test": 3, "val": 3, "train": 6}


def test_without_grouping_images_of_a_patient_may_part(hands):
    table = folds.draw(hands, SplitOptions(scheme="holdout", test=0.4, grouped=False, validated=False))
    assert (table.groupby("group")["split"].nunique() > 1).any() and set(table["split"]) == {"train", "test"}


def test_repeated_hold_outs_differ(hands):
    table = folds.draw(hands, SplitOptions(scheme="holdout", test=0.4, folds=2, validated=False))
    first, second = (set(part.loc[part["split"] == "test", "id"]) for _, part in table.groupby("fold"))
    assert first != second


@pytest.mark.parametrize("validated", [True, False])
def test_official_validation_images_choose_or_train(tmp_path, validated):
    names = [f"{split}/{label}/p{split}{label}_a.png" for split in ("train", "val", "test") for label in "ab"]
    options = SplitOptions(scheme="official", validated=validated)
    table = folds.draw(dataset_of(tmp_path, names), options)
    expected = {"train": "train", "val": "val" if validated else "train", "test": "test"}
    assert [expected[name.partition("/")[0]] for name in table["id"]] == table["split"].tolist()


def test_validation_images_test_where_a_challenge_published_no_test(tmp_path):
    names = [f"{split}/{label}/p{split}{label}_a.png" for split in ("train", "val") for label in "ab"]
    table = folds.draw(dataset_of(tmp_path, names), SplitOptions(scheme="official", validated=False))
    assert set(table.loc[table["split"] == "test", "id"]) == {name for name in names if name.startswith("val")}


def test_rank_counts_each_classes_images_in_each_part(hands):
    table = folds.draw(hands, SplitOptions(scheme="kfold", folds=2, validation=0.3))
    for _, part in table.groupby(["fold", "split", "y"]):
        assert sorted(part["rank"]) == list(range(len(part)))


def test_rank_goes_patient_by_patient(hands):
    table = folds.draw(hands, SplitOptions(scheme="official", validated=False))
    train = table[(table["split"] == "train") & (table["y"] == 0)].sort_values("rank")
    # Patients come one after the other: as many changes as there are patients, less one.
    assert (train["group"] != train["group"].shift()).sum() == train["group"].nunique() > 1


def test_patches_of_an_image_stay_together_even_ungrouped(tmp_path):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "cut", "ab", 9, patches={"size": 20})))
    table = folds.draw(dataset, SplitOptions(scheme="kfold", folds=3, grouped=False, validated=False))
    image_of = dataset.index.set_index("id")["image"]
    for _, part in table.groupby("fold"):
        assert (part.groupby(part["id"].map(image_of))["split"].nunique() == 1).all()


def test_fewer_patients_than_folds_are_refused_with_the_number_that_can_be(hands):
    with pytest.raises(RequestError, match=r"class 'normal' has 7 patients, fewer than the 11 .*Ask for 7 folds"):
        folds.draw(hands, SplitOptions(scheme="kfold", folds=11))


def test_one_fold_is_no_cross_validation(hands):
    with pytest.raises(RequestError, match="needs folds = 2 or more"):
        folds.draw(hands, SplitOptions(scheme="kfold"))


def test_a_set_without_an_official_test_is_told_the_other_schemes(tmp_path):
    dataset = dataset_of(tmp_path, [f"train/{label}/p{n}{label}_a.png" for n in range(3) for label in "ab"])
    with pytest.raises(RequestError, match='no official test images. Use scheme = "holdout" or "kfold"'):
        folds.draw(dataset, SplitOptions(scheme="official"))


def test_a_class_of_a_single_patient_cannot_be_held_out(tmp_path):
    dataset = dataset_of(tmp_path, ["train/a/p1_a.png", "train/a/p1_b.png", "train/b/p2_a.png", "train/b/p3_a.png"])
    with pytest.raises(RequestError, match="a class has a single patient"):
        folds.draw(dataset, SplitOptions(scheme="holdout"))


def test_groups_that_hold_several_classes_are_held_out_as_wholes(tmp_path):
    """As the scales of KTH-TIPS, each of which has pictures of every material: in one only is linen the most frequent."""
    many = {n: ("cotton" if n else "linen") for n in range(6)}
    names = [
        f"train/{label}/p{n}_{view}.png"
        for n, most in many.items()
        for label in ("cotton", "linen")
        for view in range(3 if label == most else 2)
    ]
    table = folds.draw(dataset_of(tmp_path, names), SplitOptions(scheme="holdout", test=0.34))
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert table.groupby("split")["y"].nunique().to_dict() == {"test": 2, "train": 2, "val": 2}


def test_a_class_that_one_patient_has_beside_another_is_no_reason_to_refuse(tmp_path):
    names = [f"train/{label}/p{n}_{view}.png" for n, label in enumerate("ab" * 6) for view in range(2)]
    table = folds.draw(
        dataset_of(tmp_path, [*names, "train/c/p0_9.png", "train/c/p2_9.png"]),
        SplitOptions(scheme="holdout", test=0.3, validated=False),
    )
    assert set(table["split"]) == {"train", "test"}


def test_a_part_without_some_class_is_refused_by_its_name(tmp_path):
    names = ["train/a/p1_a.png", "train/b/p2_a.png", "test/a/p3_a.png"]
    with pytest.raises(RequestError, match="the test part of fold 0 has no image of class b"):
        folds.draw(dataset_of(tmp_path, names), SplitOptions(scheme="official", validated=False))


def test_all_of_a_source_trains_but_for_its_validation_share(hands):
    table = folds.draw_source(hands, [], 0.25, 0, grouped=True)
    assert set(table["split"]) == {"train", "val"} and len(table) == len(hands)
    assert table.loc[table["split"] == "val", "group"].nunique() == 3
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert set(folds.draw_source(hands, [], 0.0, 0, grouped=True)["split"]) == {"train"}


def test_a_source_uses_the_official_parts_asked_for_and_images_of_none(tmp_path):
    names = [f"{split}/{label}/p{split}{label}_a.png" for split in ("train", "test") for label in "ab"]
    dataset = dataset_of(tmp_path, names)
    used = folds.draw_source(dataset, ["train"], 0.0, 0, grouped=True)
    assert set(used["id"]) == {name for name in names if name.startswith("train")}
    with pytest.raises(RequestError, match="no image is in the splits val"):
        folds.draw_source(dataset, ["val"], 0.0, 0, grouped=True)
    without = open_dataset(Pool.of(class_folders(tmp_path / "data", "plain", "ab")))
    assert len(folds.draw_source(without, ["train"], 0.0, 0, grouped=True)) == 8


def test_a_rare_class_reaches_both_sides_though_its_patients_have_images_of_another(tmp_path):
    # Ten patients, three of them with one image of the rare class among two of the common one.
    names = [f"train/common/p{n}_{k}.png" for n in range(10) for k in range(2)]
    names += [f"train/rare/p{n}_r.png" for n in (1, 4, 7)]
    table = folds.draw(dataset_of(tmp_path, names), SplitOptions(test=0.4, validated=False))
    for split in ("train", "test"):
        assert set(table.loc[table["split"] == split, "y"]) == {0, 1}, split
