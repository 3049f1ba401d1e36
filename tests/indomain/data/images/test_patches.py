"""Large images cut into squares."""

import numpy as np
import pytest
from PIL import Image

from indomain.data.images import patches
from indomain.data.manifest import PatchOptions


def places(pixels: np.ndarray, **options) -> list[str]:
    return [place for place, *_ in patches.cut(pixels, None, PatchOptions(**options))]


def test_an_image_is_cut_from_edge_to_edge():
    pixels = np.arange(70 * 100, dtype=np.uint32).reshape(70, 100).astype(np.uint8)
    found = {place: part for place, part, _ in patches.cut(pixels, None, PatchOptions(size=40))}
    # The last patch of a row or column is moved inwards.
    assert list(found) == ["0,0", "0,40", "0,60", "30,0", "30,40", "30,60"]
    assert np.array_equal(found["30,60"], pixels[30:70, 60:100])


@pytest.mark.parametrize(("stride", "count"), [(0, 12), (256, 35), (512, 12)])
def test_patches_overlap_as_the_stride_says(stride, count):
    assert len(places(np.zeros((1536, 2048), np.uint8), size=512, stride=stride)) == count


def test_an_image_smaller_than_a_patch_is_one():
    ((place, part, _),) = patches.cut(np.zeros((30, 20), np.uint8), None, PatchOptions(size=40))
    assert place == "0,0" and part.shape == (30, 20)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_blank_patches_are_left_out(channels):
    half = np.full((40, 80, *channels), 255, np.uint8)
    half[:, :40] = 100
    assert places(half, size=40, blank=0.5) == ["0,0"] and len(places(half, size=40)) == 2


def test_an_image_of_nothing_but_white_keeps_its_least_white_patch():
    white = np.full((40, 120), 255, np.uint8)
    white[:5, 40:80] = 0
    assert places(white, size=40, blank=0.5) == ["0,40"]


def test_a_coloured_patch_is_not_blank_because_one_channel_is_bright():
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 255
    both = np.concatenate([red, np.full((40, 40, 3), 255, np.uint8)], axis=1)
    assert places(both, size=40, blank=0.5) == ["0,0"]


def test_a_mask_is_cut_with_its_image():
    mask = np.zeros((40, 80), np.uint8)
    mask[:, 50:] = 255
    found = list(patches.cut(Image.new("L", (80, 40)), mask, PatchOptions(size=40)))
    assert [int(part.max()) for *_, part in found] == [0, 255]
    assert np.array_equal(found[1][2], mask[:, 40:])
