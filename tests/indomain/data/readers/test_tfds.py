"""Sets of TensorFlow Datasets, prepared here in a folder of their own."""

from pathlib import Path

import numpy as np
import pytest

from indomain.data.readers import tfds as reader
from indomain.errors import RequestError
from tests.indomain.data.made import manifest_of

READ = {"reader": "tfds", "dataset": "two_shades", "download": False}


@pytest.fixture(scope="module", params=["array_record", "tfrecord"])
def data(request, tmp_path_factory) -> Path:
    """A data folder with a set of four dark and four light images, in a format that knows numbers or in one that does not."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class TwoShades(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self):
                features = {
                    "image": tfds.features.Image(shape=(8, 8, 1)),
                    "label": tfds.features.ClassLabel(names=["dark", "light"]),
                    "name": tfds.features.Text(),
                }
                return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

            def _split_generators(self, manager):
                return {"train": self._images(0), "test": self._images(1), "unlabelled": self._images(2)}

            def _images(self, start):
                for number in range(4):
                    shade = np.full((8, 8, 1), 40 + 150 * (number % 2) + start + number, np.uint8)
                    label = -1 if start == 2 else number % 2
                    yield number, {"image": shade, "label": label, "name": f"{number // 2}_left"}

            def _generate_examples(self):
                raise AssertionError("not used")

    folder = tmp_path_factory.mktemp("tfds")
    TwoShades(data_dir=folder / "tensorflow_datasets", file_format=request.param).download_and_prepare()
    return folder


def test_images_labels_and_splits_are_read(data):
    found = reader.read(manifest_of(READ), data, (8, 8))
    assert [record.split for record in found] == ["train"] * 4 + ["test"] * 4 and all(record.grey() for record in found)
    for record in found:
        pixels = record.load()
        assert pixels.shape == (8, 8) and (pixels.mean() > 128) == (record.label == "light")


def test_a_feature_that_is_not_there_is_answered_with_those_that_are(data):
    with pytest.raises(RequestError, match="given: unknown feature 'labels'. Did you mean 'label'"):
        reader.read(manifest_of({**READ, "label": "labels"}), data, (8, 8))


def test_a_set_that_is_not_there_says_where_to_put_it(tmp_path):
    with pytest.raises(
        RequestError, match=r"(?s)could not load 'two_shades'.*Put a prepared copy below .*tensorflow_datasets"
    ):
        reader.read(manifest_of(READ), tmp_path, (8, 8))


def test_images_without_a_label_have_none_and_not_the_last_class(data):
    found = reader.read(manifest_of({**READ, "splits": {"train": "unlabelled"}}), data, (8, 8))
    assert [record.label for record in found] == [""] * 4


def test_a_patient_is_found_in_a_longer_text(data):
    found = reader.read(manifest_of({**READ, "patient": "name", "patient_pattern": "^(\\d+)_"}), data, (8, 8))
    assert sorted(record.patient for record in found) == ["0"] * 4 + ["1"] * 4
    with pytest.raises(RequestError, match=r"patient_pattern = '\^p' finds no patient in '0_left', tfds:two_shades"):
        reader.read(manifest_of({**READ, "patient": "name", "patient_pattern": "^p"}), data, (8, 8))
    with pytest.raises(RequestError, match="needs one group"):
        reader.read(manifest_of({**READ, "patient": "name", "patient_pattern": "left"}), data, (8, 8))
