"""What stands on both sides of a split: images, patients, patches; and between a source and a target."""

import pandas as pd
import pytest

from indomain.data import folds, leakage
from indomain.data.dataset import Dataset, open_dataset
from indomain.data.options import SplitOptions
from indomain.data.pool import Pool
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image, nearly

OFFICIAL = SplitOptions(scheme="official", validated=False)
PLANTED = {
    "train/well/p1_a.png": image(1),
    "train/sick/p2_a.png": image(2),
    "train/sick/p3_a.png": image(3),
    "train/well/p9_a.png": image(9),
    "test/sick/p4_a.png": image(2),  # the same pixels as p2's
    "test/well/p5_a.png": nearly(image(1)),
    "test/well/p6_a.png": image(3),  # p3's pixels under another label
    "test/sick/p9_b.png": image(8),  # patient p9 on both sides
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Dataset:
    return open_dataset(Pool.of(given(tmp_path_factory.mktemp("planted") / "data", PLANTED)))


@pytest.fixture(scope="module")
def found(planted) -> pd.DataFrame:
    return leakage.leaks(planted, folds.draw(planted, OFFICIAL))


def test_every_planted_leak_is_found_and_nothing_else(found):
    assert leakage.count_by_kind(found) == {"exact duplicate": 2, "near duplicate": 1, "same patient": 1}
    pairs = {
        (kind, a.split("/")[-1], b.split("/")[-1])
        for kind, a, b in zip(*found[["kind", "train_id", "test_id"]].to_numpy().T)
    }
    assert pairs == {
        ("exact duplicate", "p2_a.png", "p4_a.png"),
        ("exact duplicate", "p3_a.png", "p6_a.png"),
        ("near duplicate", "p1_a.png", "p5_a.png"),
        ("same patient", "p9_a.png", "p9_b.png"),
    }


def test_the_training_image_is_named_first_whatever_the_order_of_files(planted):
    table = folds.draw(planted, OFFICIAL)
    table["split"] = table["split"].map({"train": "test", "test": "train"})
    found = leakage.leaks(planted, table)
    assert found["train_id"].str.startswith("test/").all() and found["test_id"].str.startswith("train/").all()


def test_validation_images_are_on_the_training_side(planted):
    table = folds.draw(planted, OFFICIAL)
    table.loc[table["split"] == "train", "split"] = "val"
    assert len(leakage.leaks(planted, table)) == 4


def test_two_copies_on_one_side_are_no_leak(planted):
    table = folds.draw(planted, OFFICIAL).assign(split="train")
    assert leakage.leaks(planted, table).empty


def test_each_fold_is_looked_at_for_itself(planted):
    one = folds.draw(planted, OFFICIAL)
    found = leakage.leaks(planted, pd.concat([one, one.assign(fold=1, split="train")]))
    assert set(found["fold"]) == {0} and len(found) == 4


def test_the_message_counts_all_leaks_and_names_five(found):
    with pytest.raises(
        RequestError, match=r"given: 12 leaks .*\(6 × exact duplicate, 3 × near .*, 3 × same"
    ) as stopped:
        leakage.stop_at(pd.concat([found] * 3), "given")
    assert str(stopped.value).count(" and /") == 5 and "and 7 more" in str(stopped.value)


def test_no_leak_stops_nothing(found):
    leakage.stop_at(found.iloc[:0], "given")


def test_all_images_of_a_patient_who_leaks_or_has_a_copy_are_dropped():
    train = pd.DataFrame({"id": ["a1", "a2", "b1", "b2", "c1"], "group": ["a", "a", "b", "b", "c"]})
    found = pd.DataFrame({"kind": ["same patient", "exact duplicate"], "train_id": ["a1", "b1"]})
    assert leakage.dropped_ids(found, train) == {"a1", "a2", "b1", "b2"}


def test_patches_of_one_image_on_two_sides_are_a_leak(tmp_path):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "cut", "ab", 3, patches={"size": 20})))
    table = folds.draw(dataset, SplitOptions(scheme="kfold", folds=3, grouped=False, validated=False))
    torn = table[table["fold"] == 0].assign(split=["test", "train", "train", "train"] * 6)
    found = leakage.leaks(dataset, torn)
    assert (found["kind"] == "same picture").sum() == 18


def test_an_image_and_its_patches_in_another_set_are_the_same_file(tmp_path, monkeypatch):
    whole = class_folders(tmp_path / "data", "source_image", "ab", 5)
    cut = given(
        tmp_path / "data", {}, {"reader": "folder", "root": "source_image"}, "cut", (16, 16), patches={"size": 20}
    )
    source, target = open_dataset(Pool.of(whole), labelled=False), open_dataset(Pool.of(cut))
    tested = set(target.index.loc[target.index["label"] == "a", "id"])
    images = {f"a/{n}.png" for n in range(5)}
    # Some patches are seen to be parts of their images.
    found = leakage.leaks_between(source, target, tested)
    assert set(found["train_id"]) == images and (found["train_file"] == found["test_file"]).all()
    # Those that are not are known by their files.
    monkeypatch.setattr(leakage, "similar_pairs", lambda first, second: iter(()))
    found = leakage.leaks_between(source, target, tested)
    assert (found["kind"] == "same file").sum() == 5 and set(found["train_id"]) == images


def test_a_source_leaks_only_into_images_that_are_tested(tmp_path):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "one", "ab", 3)))
    found = leakage.leaks_between(dataset, dataset, {"a/0.png"})
    assert found[["kind", "train_id", "test_id"]].to_numpy().tolist() == [["exact duplicate", "a/0.png", "a/0.png"]]
    assert leakage.leaks_between(dataset, dataset, set()).empty


@pytest.mark.parametrize(("patients_of", "shared"), [("", 0), ("one", 4)])
def test_patient_numbers_mean_the_same_person_only_where_a_manifest_says_so(tmp_path, patients_of, shared):
    by_patient = {"pattern": "{label}/{patient:[0-9]}.png"}
    one = class_folders(tmp_path / "data", "one", "ab", read=by_patient)
    two = class_folders(tmp_path / "data", "two", "ab", read=by_patient, patients_of=patients_of)
    source, target = (open_dataset(Pool.of(one_set), labelled=False) for one_set in (two, one))
    found = leakage.leaks_between(source, target, set(target.index["id"]))
    assert leakage.count_by_kind(found) == ({"same patient": shared} if shared else {})


def test_a_pool_hides_no_patient(tmp_path):
    by_patient = {"pattern": "{label}/{patient:[0-9]}.png"}
    one = class_folders(tmp_path / "data", "one", "ab", read=by_patient)
    two = class_folders(tmp_path / "data", "two", "ab", read=by_patient, patients_of="one")
    more = class_folders(tmp_path / "data", "more", "ab", read=by_patient)
    # In a pool patients carry their set's name; the numbers of `two` are those of `one` all the same.
    source, target = open_dataset(Pool.of(more, two), labelled=False), open_dataset(Pool.of(one))
    found = leakage.leaks_between(source, target, set(target.index["id"]))
    assert leakage.count_by_kind(found) == {"same patient": 4} and found["train_id"].str.startswith("two:").all()


def test_spaces_case_and_zeros_make_no_other_patient(tmp_path):
    names = {"train/well/P07_a.png": image(1), "test/well/p7_b.png": image(2), "test/sick/p70_c.png": image(3),
             "train/sick/p8_d.png": image(4)}  # fmt: skip
    dataset = open_dataset(Pool.of(given(tmp_path / "data", names)))
    found = leakage.leaks(dataset, folds.draw(dataset, OFFICIAL))
    assert leakage.count_by_kind(found) == {"same patient": 1}
    assert dataset.index["group"].nunique() == 3


def test_sets_that_use_the_same_numbers_are_named_unless_a_manifest_says_why(tmp_path):
    by_patient = {"pattern": "{label}/{patient:[0-9]*}.png"}
    one = class_folders(tmp_path / "data", "one", "ab", 12, read=by_patient)
    two = class_folders(tmp_path / "data", "two", "ab", 12, read=by_patient)
    known = class_folders(tmp_path / "data", "known", "ab", 12, read=by_patient, patients_of="one")
    indices = [open_dataset(Pool.of(part), labelled=False).index for part in (one, two, known)]
    (said,) = leakage.shared_numbers(indices[0], indices[1])
    assert "one and two have 12 patient numbers in common" in said and 'patients_of = "two"' in said
    assert leakage.shared_numbers(indices[0], indices[2]) == []
