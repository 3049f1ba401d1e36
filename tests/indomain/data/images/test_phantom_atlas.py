"""The anatomy of the phantoms."""

import pytest

from indomain.data.images.phantom_atlas import BONES, PARTS, TISSUE
from indomain.data.manifest import load_manifest


def test_the_parts_are_those_of_mura():
    assert set(PARTS) == set(load_manifest("mura")[0].counts) == set(BONES) == set(TISSUE)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_bone_in_the_frame_for_an_abnormality(part):
    # Near the middle: where a bone's middle lies outside, nothing could be seen on it.
    middles = [max(abs(x0 + x1), abs(y0 + y1)) / 2 for x0, y0, x1, y1, *_ in BONES[part]]
    assert min(middles) < 0.8


@pytest.mark.parametrize("part", PARTS)
def test_bones_are_longer_than_thick_and_widest_at_their_ends(part):
    for x0, y0, x1, y1, shaft, end in BONES[part]:
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        assert 0 < shaft < end and length > shaft
