"""Equal and nearly equal images."""

import io

import numpy as np
import pytest
from PIL import Image

from indomain.data.dataset import Dataset, open_dataset
from indomain.data.duplicates import similar_pairs
from indomain.data.pool import Pool
from tests.indomain.data.made import given, image, nearly


def dataset_of(tmp_path, images: dict[str, np.ndarray]) -> Dataset:
    read = {"reader": "folder", "root": "given", "labelled": False}
    return open_dataset(Pool.of(given(tmp_path / "data", images, read)), labelled=False)


def pairs(dataset: Dataset, other: Dataset | None = None) -> set[tuple[str, str, str]]:
    """Kind and ids."""
    second = other or dataset
    found = similar_pairs(dataset, second)
    return {(kind, dataset.index["id"].iloc[a], second.index["id"].iloc[b]) for kind, a, b in found}


def as_jpeg(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Rescaled and saved once more with loss, as copies on the net are."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer))


def test_equal_pixels_are_exact_duplicates_whatever_their_names(tmp_path):
    assert pairs(dataset_of(tmp_path, {"a.png": image(1), "b.bmp": image(1), "c.png": image(2)})) == {
        ("exact duplicate", "a.png", "b.bmp")
    }


def test_a_copy_saved_as_jpeg_and_rescaled_is_a_near_duplicate(tmp_path):
    dataset = dataset_of(tmp_path, {"a.png": image(1), "b.png": as_jpeg(image(1), (50, 50)), "c.png": nearly(image(1))})
    assert pairs(dataset) == {
        ("near duplicate", a, b) for a, b in [("a.png", "b.png"), ("a.png", "c.png"), ("b.png", "c.png")]
    }


@pytest.mark.parametrize("turned", [np.fliplr, np.rot90, lambda pixels: np.roll(pixels, 8, axis=1)])
def test_a_mirrored_turned_or_shifted_copy_is_not_found_as_the_docstring_says(tmp_path, turned):
    assert pairs(dataset_of(tmp_path, {"a.png": image(1), "b.png": turned(image(1))})) == set()


def test_an_equal_hash_is_not_enough(tmp_path):
    # The lowest frequencies decide the hash; a faint image under strong fine noise has the same ones.
    smooth = (image(1).astype(int) // 4 + 96).astype(np.uint8)
    fine = np.indices((32, 32)).sum(axis=0) % 2 * 80 - 40
    dataset = dataset_of(tmp_path, {"a.png": smooth, "b.png": (smooth + fine).clip(0, 255).astype(np.uint8)})
    hashes = [int(text, 16) for text in dataset.index["phash"]]
    assert (hashes[0] ^ hashes[1]).bit_count() <= 6 and pairs(dataset) == set()


def test_blank_images_are_alike_only_to_the_pixel(tmp_path):
    blank = {f"{value}.png": np.full((32, 32), value, np.uint8) for value in (0, 10, 200)}
    again = {"again.png": np.full((32, 32), 10, np.uint8)}
    assert pairs(dataset_of(tmp_path, {**blank, **again})) == {("exact duplicate", "10.png", "again.png")}


def test_pairs_between_two_sets_are_by_their_own_places(tmp_path):
    first = dataset_of(tmp_path / "first", {"a.png": image(1), "b.png": image(2)})
    second = dataset_of(tmp_path / "second", {"x.png": image(3), "y.png": image(2), "z.png": image(4)})
    assert pairs(first, second) == {("exact duplicate", "b.png", "y.png")}
    assert pairs(second, first) == {("exact duplicate", "y.png", "b.png")}


def test_grey_and_colour_copies_are_near_duplicates(tmp_path):
    grey = dataset_of(tmp_path / "grey", {"a.png": image(1)})
    colour = dataset_of(tmp_path / "colour", {"a.png": np.dstack([image(1)] * 3)})
    assert pairs(grey, colour) == {("near duplicate", "a.png", "a.png")}


def test_different_radiographs_are_not_called_alike(phantom_set):
    dataset = open_dataset(Pool.of(phantom_set))
    # Low frequencies of radiographs are alike: by the hash alone there are many more.
    assert len(dataset) > 150 and len(pairs(dataset)) <= 2
