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


def test_images_may_be_named_by_their_pixels(tmp_path, split):
    import pandas as pd

    index = pd.read_csv(split.prepared[0] / "index.csv", dtype=str)
    values = np.arange(len(index), dtype=np.float32)[:, None]
    names = index["sha256"].to_numpy(str)
    _, first = np.unique(names, return_index=True)
    path = write(tmp_path / "f.npz", ids=None, sha256=names[first], features=values[first])
    rows, features = FeaturesFile.read(path).of(split)
    assert np.array_equal(index["sha256"].to_numpy()[features[:, 0].astype(int)], names[rows])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "has no array features"),
        ({"ids": None}, r"has no array ids \(or sha256\)"),
        ({"card": None}, "has no array card"),
        ({"features": VALUES[:2]}, "the text of one name for each of the 2 rows"),
        ({"features": VALUES.astype(int)}, "features is int64 of shape"),
        ({"features": VALUES[0]}, "one row per image"),
        ({"ids": np.arange(3)}, "ids is int64"),
        ({"ids": np.array(["a", "b", "a"])}, "ids has 'a' more than once"),
        (
            {"features": np.where(VALUES == 3, np.nan, VALUES)},
            "features of 1 of 3 images are not finite.*the first: 'b'",
        ),
        ({"features": np.where(VALUES == 5, 1e300, VALUES)}, "not finite in single precision, the first: 'c'"),
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
    with pytest.raises(RequestError, match="has other images than target 'wrist'.*its ids are like 'a'"):
        FeaturesFile.read(write(tmp_path / "f.npz")).of(split)
