import json

import numpy as np
import pytest

from indomain.data.features_file import FeaturesFile
from indomain.errors import RequestError
from tests.studies import small_study

CARD = {"model": "m", "revision": "1", "licence": "MIT", "input": "as it is", "trained_on": ["imagenet"]}
IDS = np.array(["a", "b", "c"])
VALUES = np.arange(6, dtype=np.float64).reshape(3, 2)


def write(path, **changes):
    """A features file of three images, with some arrays replaced, and those that are None left out."""
    arrays = {"features": VALUES, "ids": IDS, "card": json.dumps(CARD), **changes}
    if arrays["ids"] is not None:
        arrays = {"set": np.full(len(arrays["ids"]), "small"), **arrays}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.fixture
def split(tmp_path, cache_dir):
    return small_study(tmp_path, cache_dir).target("wrist", "strict")


def ids_of(split):
    table = split.every_fold()
    return table.drop_duplicates("row").sort_values("row")["id"].to_numpy(str)


def test_a_file_says_what_its_model_is(tmp_path):
    given = FeaturesFile.read(write(tmp_path / "f.npz"))
    assert given.card.model == "m" and given.card.trained_on == ["imagenet"] and given.by == "ids"
    assert given.features.dtype == np.float32 and np.array_equal(given.features, VALUES)


def test_what_it_was_trained_on_may_be_unknown(tmp_path):
    given = FeaturesFile.read(write(tmp_path / "f.npz", card=json.dumps({**CARD, "trained_on": "unknown"})))
    assert given.card.trained_on == ["unknown"]


@pytest.mark.parametrize("order", ["as they are", "another"])
def test_each_image_gets_its_own_features(tmp_path, split, order):
    ids = ids_of(split)
    chosen = np.arange(len(ids)) if order == "as they are" else np.random.default_rng(0).permutation(len(ids))
    # More images than the target has: a file may serve several.
    names = np.r_[ids[chosen], ["of another set"]]
    values = np.r_[chosen, [-1]].astype(np.float32)[:, None]
    rows, features = FeaturesFile.read(write(tmp_path / "f.npz", ids=names, features=values)).of(split)
    assert np.array_equal(rows, split.rows()) and np.array_equal(features[:, 0], np.arange(len(ids)))


def test_images_may_be_named_by_their_pixels_even_where_a_picture_is_there_twice(tmp_path, split):
    import pandas as pd

    index = pd.read_csv(split.prepared[0] / "index.csv", dtype=str)
    names = np.r_[index["sha256"].to_numpy(str), index["sha256"].to_numpy(str)[:3]]
    numbers = {name: number for number, name in enumerate(names)}
    values = np.array([numbers[name] for name in names], np.float32)[:, None]
    rows, features = FeaturesFile.read(write(tmp_path / "f.npz", ids=None, sha256=names, features=values)).of(split)
    assert np.array_equal(names[features[:, 0].astype(int)], index["sha256"].to_numpy()[rows])
    values[-1] += 1
    with pytest.raises(RequestError, match="sha256 has .* more than once, with other features"):
        FeaturesFile.read(write(tmp_path / "f.npz", ids=None, sha256=names, features=values))


def test_the_same_ids_of_another_set_are_other_images(tmp_path, split):
    ids = ids_of(split)
    path = write(tmp_path / "f.npz", ids=ids, features=np.ones((len(ids), 2)), set=np.full(len(ids), "other"))
    with pytest.raises(
        RequestError, match="has other images than target 'wrist' .*: it has 'other: .*, the target 'small: "
    ):
        FeaturesFile.read(path).of(split)


def test_one_file_may_serve_several_sets(tmp_path, split):
    ids = ids_of(split)
    names, sets = np.r_[ids, ids], np.repeat(["other", "small"], len(ids))
    values = np.arange(2 * len(ids), dtype=np.float32)[:, None]
    _, features = FeaturesFile.read(write(tmp_path / "f.npz", ids=names, set=sets, features=values)).of(split)
    assert np.array_equal(features[:, 0], np.arange(len(ids)) + len(ids))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "has no array features"),
        ({"ids": None}, r"has no array ids \(or sha256\)"),
        ({"card": None}, "has no array card"),
        ({"set": None}, "has no array set"),
        ({"features": VALUES[:2]}, "must be text, one for each of the 2 rows"),
        ({"set": np.array(["small"])}, "set is <U5 of shape"),
        ({"features": VALUES.astype(int)}, "features is int64 of shape"),
        ({"features": VALUES[0]}, "one row per image"),
        ({"ids": np.arange(3)}, "ids is int64"),
        ({"ids": np.array(["a", "b", "a"])}, "ids has 'small: a' more than once"),
        (
            {"features": np.where(VALUES == 3, np.nan, VALUES)},
            "features of 1 of 3 images are not finite.*the first: 'small: b'",
        ),
        ({"features": np.where(VALUES == 5, 1e300, VALUES)}, "not finite in single precision, the first: 'small: c'"),
        ({"card": "model = 1"}, "card is not JSON"),
        ({"card": json.dumps(["m"])}, "card is list, not a JSON object with model, revision"),
        ({"card": json.dumps({**CARD, "model": ""})}, "card: key 'model'"),
        ({"card": json.dumps({**CARD, "license": "MIT"})}, "unknown key 'license'. Did you mean 'licence'"),
        ({"card": json.dumps({"model": "m"})}, "the key 'revision' is missing"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, changes, message):
    with pytest.raises(RequestError, match=message):
        FeaturesFile.read(write(tmp_path / "f.npz", **changes))


def test_a_file_that_could_run_code_is_refused(tmp_path):
    with pytest.raises(RequestError, match="is not a features file"):
        FeaturesFile.read(write(tmp_path / "f.npz", ids=np.array(["a", "b", None], dtype=object)))


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "f.npy", VALUES)
    with pytest.raises(RequestError, match="is not a features file: it holds a single array"):
        FeaturesFile.read(tmp_path / "f.npy")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(RequestError, match="is not a features file"):
        FeaturesFile.read(tmp_path / "f.npz")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RequestError, match="no features file .*gone.npz"):
        FeaturesFile.read(tmp_path / "gone.npz")


def test_an_image_without_features_is_named(tmp_path, split):
    ids = ids_of(split)[1:]
    given = FeaturesFile.read(write(tmp_path / "f.npz", ids=ids, features=np.ones((len(ids), 2))))
    with pytest.raises(
        RequestError, match=f"no features of 1 of the {len(ids) + 1} images of target 'wrist'.*data export"
    ):
        given.of(split)


def test_features_of_another_set_are_refused(tmp_path, split):
    with pytest.raises(RequestError, match="has other images than target 'wrist'.*it has 'small: a'"):
        FeaturesFile.read(write(tmp_path / "f.npz")).of(split)
