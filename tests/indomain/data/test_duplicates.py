"""Equal and nearly equal images."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from indomain.data import duplicates, evidence
from indomain.data.dataset import Dataset, open_dataset
from indomain.data.duplicates import Signatures, similar_pairs
from indomain.data.images.hashing import pixel_sha256
from indomain.data.pool import Pool
from tests.indomain.data.made import given, image, nearly


def dataset_of(tmp_path, images: dict[str, np.ndarray]) -> Dataset:
    read = {"reader": "folder", "root": "given", "labelled": False}
    return open_dataset(Pool.of(given(tmp_path / "data", images, read)), labelled=False)


def pairs(dataset: Dataset, other: Dataset | None = None) -> set[tuple[str, str, str]]:
    """Kind and ids."""
    second = other or dataset
    found = similar_pairs(dataset, second)
    return {(kind, dataset.index["id"].iloc[a], second.index["id"].iloc[b]) for kind, a, b, *_ in found}


def as_jpeg(pixels: np.ndarray, size: tuple[int, int], quality: int = 75) -> np.ndarray:
    """Rescaled and saved once more with loss, as copies on the net are."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=quality)
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


def signed(images: list[np.ndarray]) -> Signatures:
    stack = np.stack(images)
    return duplicates.sign(lambda rows: stack[rows], np.array([pixel_sha256(one) for one in images]))


def share_found(copies: Signatures, originals: Signatures) -> float:
    found, log_odds, _ = duplicates.near(copies, originals)
    right = (log_odds >= evidence.COPY.min_log_odds) & (found.first == found.second)
    return right.sum() / len(copies.members)


def test_maps_lead_from_the_first_image_to_the_second_whichever_shows_more_and_wherever_a_pair_is_given_up():
    whole, part = signed([image(1), image(2)]), signed([cropped(image(1)), cropped(image(2))])
    for smallest in (-np.inf, np.inf):
        for first, second, enlarges in ((whole, part, True), (part, whole, False)):
            found, places, measured, maps = duplicates.registered(first, second, smallest)
            right = found.first == found.second
            assert right.sum() >= 2
            size = np.abs(np.linalg.det(maps[right, :, :2]))
            assert (size > 1.3).all() if enlarges else (size < 0.7).all()
            # Nothing is measured of what is given up at the first look; of the others there is a row in every column.
            assert bool(len(places)) == (smallest < 0) and all(
                len(values) == len(places) for values in measured.values()
            )


def cropped(pixels: np.ndarray) -> np.ndarray:
    """60 % of either side, off the centre."""
    box = (pixels.shape[1] * 0.1, pixels.shape[0] * 0.3, pixels.shape[1] * 0.7, pixels.shape[0] * 0.9)
    return np.asarray(Image.fromarray(pixels).resize(pixels.shape[::-1], Image.Resampling.LANCZOS, box=box))


def shifted(pixels: np.ndarray) -> np.ndarray:
    moved = np.zeros_like(pixels)
    moved[6:, 6:] = pixels[:-6, :-6]
    return moved


def marked(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.copy()
    pixels[2:12, 2:12] = 255
    return pixels


def letterboxed(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels).resize((64, 48), Image.Resampling.LANCZOS)
    return np.asarray(ImageOps.pad(picture, (64, 64), Image.Resampling.LANCZOS))


CHANGES = {
    "cropped to 60 %": cropped,
    "cropped to 60 % and letterboxed": lambda pixels: letterboxed(cropped(pixels)),
    "letterboxed": letterboxed,
    "mirrored": np.fliplr,
    "turned": np.rot90,
    "upside down": np.flipud,
    "inverted": lambda pixels: 255 - pixels,
    "shifted by 10 %": shifted,
    "rotated by 5°": lambda pixels: np.asarray(Image.fromarray(pixels).rotate(5, Image.Resampling.BICUBIC)),
    "equalised": lambda pixels: np.asarray(ImageOps.equalize(Image.fromarray(pixels))),
    "gamma": lambda pixels: np.round(255 * (pixels / 255) ** 2).astype(np.uint8),
    "JPEG 30": lambda pixels: as_jpeg(pixels, (64, 64), 30),
    "marked": marked,
}


@pytest.fixture(scope="module")
def knees(data_dir) -> tuple[np.ndarray, Signatures]:
    """One knee of each of 300 patients."""
    with np.load(data_dir / "knee_kl.npz") as archive:
        first = np.sort(np.unique(archive["val_groups"], return_index=True)[1])[:300]
        images = archive["val_images"][first]
    return images, signed(list(images))


@pytest.mark.real
@pytest.mark.parametrize("what", CHANGES)
def test_copies_of_real_radiographs_are_found_whatever_was_done_to_them(knees, what):
    images, originals = knees
    copies = signed([np.ascontiguousarray(CHANGES[what](pixels)) for pixels in images[:40]])
    assert share_found(copies, originals) >= 0.95


@pytest.fixture(scope="module")
def moles(data_dir) -> tuple[np.ndarray, Signatures]:
    """Plain skin with a mole: what is hardest to tell apart."""
    with np.load(data_dir / "isic2017.npz") as archive:
        images = archive["train_images"][:300]
    grey = np.stack([np.asarray(Image.fromarray(pixels).convert("L")) for pixels in images])
    return grey, signed(list(grey))


@pytest.mark.real
@pytest.mark.parametrize("what", [what for what in CHANGES if what != "equalised"])
def test_nine_in_ten_copies_of_plain_skin_are_found_but_for_equalised_ones(moles, what):
    images, originals = moles
    copies = signed([np.ascontiguousarray(CHANGES[what](pixels)) for pixels in images[:40]])
    assert share_found(copies, originals) >= 0.9


@pytest.mark.real
def test_knees_of_different_patients_are_not_alike(knees):
    _, signatures = knees
    _, log_odds, _ = duplicates.near(signatures, signatures)
    assert not (log_odds >= evidence.COPY.min_log_odds).any()


@pytest.mark.real
def test_the_same_images_give_the_same_pairs(knees):
    images, originals = knees
    copies = signed([cropped(pixels) for pixels in images[:20]])
    (_, one, maps), (_, other, again) = duplicates.near(copies, originals), duplicates.near(copies, originals)
    assert np.array_equal(one, other) and np.array_equal(maps, again)


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


def test_synthetic_radiographs_are_like_their_exact_copies_only(phantom_set):
    dataset = open_dataset(Pool.of(phantom_set))
    assert len(dataset) > 150 and pairs(dataset) == set()
