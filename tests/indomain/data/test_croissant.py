"""Descriptions in Croissant: what MLCommons' own reader finds in them is what the set has."""

import mlcroissant
import numpy as np
import pandas as pd
import pytest

from indomain.data import croissant
from indomain.errors import RequestError
from tests.indomain.data.made import PATTERN, given, image, manifest_of

READ = {"reader": "folder", "root": "given", "pattern": PATTERN}
NAMES = {f"train/{label}/p{number}_a.png": image(number, (20, 20)) for number, label in enumerate(["ill", "well"] * 3)}


@pytest.fixture
def data_dir(tmp_path):
    given(tmp_path / "data", NAMES)
    return tmp_path / "data"


def read_back(folder, name):
    """The records of a table, as MLCommons' reader gives them, without the table's name before each field's."""
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.issues.errors
    rows = [{key.partition("/")[2]: value for key, value in row.items()} for row in dataset.records(name)]
    return [{key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()} for row in rows]


def test_another_reader_finds_every_image_with_its_class_and_patient(data_dir, tmp_path):
    manifest = manifest_of(READ, labels={"classes": {"sick": ["ill"]}})
    assert croissant.write(manifest, "", data_dir, None, tmp_path / "out") == 6
    rows = read_back(tmp_path / "out", "images")
    assert {row["file"] for row in rows} == {f"given/{name}" for name in NAMES}
    # A class that the manifest leaves out is empty, which the reader takes for a missing value.
    assert [row["class"] == "sick" for row in rows] == [row["label"] == "ill" for row in rows]
    assert len({row["patient"] for row in rows}) == 6 and {row["split"] for row in rows} == {"train"}
    assert "view" not in rows[0] or any(row["view"] for row in rows)


def test_folds_refer_to_the_images(data_dir, tmp_path):
    manifest = manifest_of(READ)
    images = pd.DataFrame(
        {"target": "t", "profile": "strict", "fold": [0, 1], "image": ["x", "y"], "role": ["train", "test"]}
    )
    croissant.write(manifest, "", data_dir, None, tmp_path / "out", images)
    assert read_back(tmp_path / "out", "splits") == images.to_dict("records")


def test_the_sha256_of_each_table_is_stated_and_a_change_is_seen(data_dir, tmp_path):
    croissant.write(manifest_of(READ), "", data_dir, None, tmp_path / "out")
    with (tmp_path / "out/images.csv").open("a") as file:
        file.write("forged,,,,,\n")
    with pytest.raises(mlcroissant.GenerationError) as error:
        read_back(tmp_path / "out", "images")
    assert "hash" in str(error.value.__cause__).lower()


def test_a_folder_that_exists_is_left_alone(data_dir, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(RequestError, match="exists already"):
        croissant.write(manifest_of(READ), "", data_dir, None, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_no_path_of_this_machine_is_given_away(tmp_path):
    given(tmp_path / "elsewhere", NAMES)
    outside = manifest_of({**READ, "root": str(tmp_path / "elsewhere/given"), "outside": True})
    croissant.write(outside, "", tmp_path, None, tmp_path / "out")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert str(tmp_path) not in written and "train/ill/p0_a.png" in written


@pytest.mark.parametrize(
    "text, url", [("https://a.org/x: unpack", "https://a.org/x"), ("doi:10.1/abc", "https://doi.org/10.1/abc")]
)
def test_the_address_is_taken_from_where_the_set_is_had(text, url):
    table = pd.DataFrame({"id": np.array([], str)})
    assert croissant.describe(manifest_of(READ, get=text), {"images": table}, {"images": ""})["url"] == url
