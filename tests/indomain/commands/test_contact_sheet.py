"""The contact sheet: what an augmentation does, for a person to look at."""

import numpy as np
import pytest
from PIL import Image

from indomain.commands import contact_sheet
from indomain.data.dataset import open_dataset
from indomain.data.images import sheets
from indomain.data.pool import Pool
from indomain.errors import RequestError

GAP = sheets.GAP


@pytest.fixture
def dataset(phantom_set):
    return open_dataset(Pool.of(phantom_set.part("hand")))


def test_every_image_stands_in_its_line_on_white():
    images = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5, 1)
    sheet = np.asarray(sheets.sheet(images))
    assert (sheet[GAP : GAP + 4, GAP : GAP + 5] == images[0, 0, ..., 0]).all()
    # The first column, the image as it is, stands apart.
    left = GAP + (5 + GAP) + 2 * GAP
    assert (sheet[4 + 2 * GAP : 8 + 2 * GAP, left : left + 5] == images[1, 1, ..., 0]).all()
    assert (sheet[:GAP] == 255).all() and (sheet[:, -GAP:] == 255).all()


def test_images_in_colour_make_a_sheet_in_colour():
    assert sheets.sheet(np.zeros((1, 1, 2, 2, 3), np.uint8)).mode == "RGB"


def test_an_image_as_it_is_and_changed_ones_beside_it(dataset, tmp_path):
    contact_sheet.write(dataset, "basic", 0, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    rows = np.sort(np.random.default_rng(0).choice(dataset.index["row"].to_numpy(), 8, replace=False))
    first = dataset.images(rows[:1], 1)[0, ..., 0]
    assert (pixels[GAP : GAP + 32, GAP : GAP + 32] == first).all()
    left = GAP + 32 + 3 * GAP
    assert (pixels[GAP : GAP + 32, left : left + 32] != first).mean() > 0.1


def test_the_same_seed_draws_the_same_sheet(dataset, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        contact_sheet.write(dataset, "basic", seed, tmp_path / f"{name}.png")
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_an_augmentation_that_nobody_knows_is_refused(dataset, tmp_path):
    with pytest.raises(RequestError, match="Did you mean 'basic'"):
        contact_sheet.write(dataset, "basics", 0, tmp_path / "sheet.png")


@pytest.fixture
def show(indomain, small_manifest, cache_dir):
    """Runs `data show` on the small phantom with an augmentation."""
    command = ["data", "show", "small.toml:wrist", "--size", "32", "--cache-dir", cache_dir]
    return lambda augmentation: indomain(*command, "--augment", augmentation)


def test_a_contact_sheet_can_be_looked_at(show, here):
    status, _, err = show("elastic")
    assert status == 0, err
    with Image.open(here / "augment-small-wrist-elastic.png") as sheet:
        assert sheet.size == (8 * 36 + 12, 8 * 36 + 4) and sheet.mode == "L"


def test_a_contact_sheet_is_the_same_every_time(show, here):
    path = here / "augment-small-wrist-elastic.png"
    show("elastic")
    first = path.read_bytes()
    path.unlink()
    show("elastic")
    assert path.read_bytes() == first


def test_an_augmentation_that_does_not_fit_or_exist_is_refused(show):
    assert show("colour")[0] == 2
    status, _, err = show("elastc")
    assert status == 2 and "elastic" in err
