"""Sizes of images as they are: from headers where there are files, and what is torn is left out."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from indomain.data import sizes
from indomain.data.readers import Record


def record(path):
    return Record(path.name, str(path), partial(np.zeros, (20, 30), np.uint8), partial(bool, True))


def test_sizes_are_those_of_the_files_and_what_is_torn_is_left_out(tmp_path):
    Image.fromarray(np.zeros((40, 90), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"torn")
    (tmp_path / "c.dcm").write_bytes(b"")
    assert sizes.sizes_of([record(tmp_path / name) for name in ("a.png", "b.png", "c.dcm")]) == [
        (40, 90),
        (20, 30),
    ]


@pytest.mark.parametrize(
    ("found", "side"), [([(64, 64)], 64), ([(500, 400)] * 3, 224), ([(9, 9)], 32), ([], 224), ([(100, 130)], 96)]
)
def test_images_are_prepared_at_their_side_up_to_that_of_the_networks(found, side):
    assert sizes.side_for(found) == side
