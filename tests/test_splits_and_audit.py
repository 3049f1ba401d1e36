import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.data import audit, duplicates, folds, leakage
from indomain.data.budget import with_labels
from indomain.data.dataset import open_dataset
from indomain.data.manifest import LabelOptions, Manifest
from indomain.data.options import SplitOptions
from indomain.data.preparing import prepare
from indomain.errors import RequestError


def write_set(folder, cache, pictures: dict[str, np.ndarray], pattern="{split}/{label}/{patient}_*"):
    """A set of given pictures under names such as train/sick/p1_a.png."""
    for name, picture in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name)
    read = {"reader": "folder", "root": ".", "pattern": pattern}
    manifest = Manifest.model_validate({"name": "given", "title": "given", "read": read})
    return prepare(manifest, folder, cache, (32, 32), quiet=True)


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC))


def test_the_audit_finds_each_planted_fault(tmp_path):
    again = np.clip(picture(1).astype(int) + np.random.default_rng(9).integers(-3, 4, (32, 32)), 0, 255).astype(
        np.uint8
    )
    done = write_set(
        tmp_path / "data",
        tmp_path / "cache",
        {
            "train/well/p1_a.png": picture(1),
            "train/sick/p2_a.png": picture(2),
            "train/sick/p3_a.png": picture(3),
            "train/well/p9_a.png": picture(9),
            "test/sick/p4_a.png": picture(2),  # the same pixels as p2's, in another split
            "test/well/p5_a.png": again,  # nearly p1's
            "test/well/p6_a.png": picture(3),  # p3's pixels under another label
            "test/sick/p9_b.png": picture(8),  # patient p9 on both sides
        },
    )
    dataset = open_dataset(done)
    kinds = leakage.count_by_kind(audit.findings(dataset))
    assert kinds == {
        "exact duplicate": 2,
        "near duplicate": 1,
        "contradicting labels": 1,
        "split overlap": 3,
        "patient overlap": 1,
    }
    table = folds.make(dataset, SplitOptions(scheme="official", validated=False))
    leaks = leakage.leaks(dataset, table)
    assert leakage.count_by_kind(leaks) == {"exact duplicate": 2, "near duplicate": 1, "same patient": 1}
    with pytest.raises(RequestError, match="drop_leaks = true"):
        leakage.stop_at(leaks, "given")
    train = table[table["split"] == "train"]
    assert leakage.dropped_ids(leaks, train) == set(train["id"])


def test_different_pictures_are_not_called_alike(phantom_set):
    dataset = open_dataset(phantom_set)
    pairs = list(duplicates.similar_pairs(dataset, dataset))
    assert len(pairs) <= 2


def test_an_unreadable_file_is_named_and_left_out_or_stops(tmp_path):
    write_set(
        tmp_path / "data", tmp_path / "cache", {f"train/{c}/p{i}_a.png": picture(i) for i, c in enumerate("aabb")}
    )
    (tmp_path / "data/train/a/p7_a.png").write_bytes(b"broken")
    done = write_set(tmp_path / "data", tmp_path / "cache", {})
    assert len(done.index()) == 4 and len(done.images()) == 4
    assert "p7_a.png" in done.unreadable()["file"][0]
    strict = done.manifest.model_copy(update={"strict_files": True})
    with pytest.raises(RequestError, match="p7_a.png.*strict_files"):
        prepare(strict, tmp_path / "data", tmp_path / "cache", (32, 32), quiet=True)
    assert not list((tmp_path / "cache").glob(".preparing*"))


@pytest.mark.parametrize("scheme", ["official", "holdout", "kfold"])
def test_no_patient_stands_on_two_sides(phantom_set, scheme):
    dataset = open_dataset(phantom_set, "hand")
    options = SplitOptions(scheme=scheme, folds=3 if scheme == "kfold" else 1, validation=0.3)
    table = folds.make(dataset, options)
    for _, part in table.groupby("fold"):
        assert (part.groupby("group")["split"].nunique() == 1).all()
        assert set(part["split"]) == {"train", "val", "test"}
    if scheme == "kfold":
        assert (table[table["split"] == "test"].groupby("id").size() == 1).all()
    again = folds.make(dataset, options)
    pd.testing.assert_frame_equal(table, again)


def test_label_budgets_are_nested_and_leave_the_test_alone(phantom_set):
    table = folds.make(open_dataset(phantom_set), SplitOptions(scheme="official", validation=0.2))
    whole = set(table.loc[table["split"] == "test", "id"])
    kept = []
    for fraction in (0.1, 0.2, 0.5, 1.0):
        part = with_labels(table, fraction, None, 0.2)
        assert set(part.loc[part["split"] == "test", "id"]) == whole
        kept.append(set(part.loc[part["split"] == "train", "id"]))
        share = len(kept[-1]) / (table["split"] == "train").sum()
        assert share == pytest.approx(fraction, abs=0.02)
    assert kept[0] < kept[1] < kept[2] < kept[3]
    few = with_labels(table, None, 4, 0.2)
    assert (few[few["split"] == "train"].groupby("y").size() == 4).all()
    assert (few[few["split"] == "val"].groupby("y").size() == 1).all()
    more = with_labels(table, None, 8, 0.2)
    assert set(few["id"]) <= set(more["id"])


def test_budgets_that_leave_a_class_empty_are_refused(phantom_set):
    table = folds.make(open_dataset(phantom_set, "hand"), SplitOptions(scheme="official"))
    with pytest.raises(RequestError, match="fraction 0.01"):
        with_labels(table, 0.01, None, 0.2)
    with pytest.raises(RequestError, match="500 shots"):
        with_labels(table, None, 500, 0.2)


def test_classes_are_selected_and_merged(phantom_set):
    labels = LabelOptions(classes={"any": ["normal", "abnormal"], "none": []})
    with pytest.raises(RequestError, match="'sick' has no image"):
        open_dataset(phantom_set, labels=LabelOptions(classes={"a": ["normal"], "b": ["sick"]}))
    assert labels.classes["none"] == []
    turned = open_dataset(phantom_set, labels=LabelOptions(positive="normal"))
    assert turned.class_names == ("abnormal", "normal")
    views = open_dataset(phantom_set, where={"view": ["!lateral"]})
    assert set(views.index["view"]) == {"ap", "oblique"}


def test_a_budget_is_whole_after_leaks_were_dropped(phantom_set):
    table = folds.make(open_dataset(phantom_set), SplitOptions(scheme="official", validated=False))
    train = table.index[table["split"] == "train"]
    table.loc[train[::2], "split"] = "dropped"
    left = table[table["split"] != "dropped"]
    assert len(with_labels(left, 1.0, None, 0.2)) == len(left)
    few = with_labels(left, None, 3, 0.2)
    assert (few[few["split"] == "train"].groupby("y").size() == 3).all()


def test_the_positive_class_is_kept_when_a_recipe_merges_classes(phantom_set):
    merged = LabelOptions(classes={"abnormal": ["abnormal"], "fine": ["normal"]})
    assert open_dataset(phantom_set, labels=merged).class_names == ("fine", "abnormal")
    with pytest.raises(RequestError, match="unknown positive class 'sick'"):
        open_dataset(phantom_set, labels=LabelOptions.model_construct(classes={}, positive="sick"))
