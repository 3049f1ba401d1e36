"""Synthetic radiographs with known abnormalities."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from indomain.data.images import phantom, phantom_atlas
from indomain.errors import RequestError

# The same bytes on every machine and with every version of NumPy: change these only together with phantom.VERSION.
KNOWN = "66407933b91e3ab1d63f99a114db1ef1"


def test_the_same_bytes_everywhere():
    content = hashlib.sha256()
    for exposure in list(phantom.exposures(3))[::2]:
        for part in phantom.render(exposure, (48, 40)):
            content.update(part.tobytes())
    assert content.hexdigest()[:32] == KNOWN


@pytest.fixture(scope="module")
def exposures():
    return list(phantom.exposures(30))


def test_every_part_and_every_abnormality_is_there_and_no_id_twice(exposures):
    assert {exposure.part for exposure in exposures} == set(phantom_atlas.PARTS)
    assert {exposure.abnormality for exposure in exposures} == {"", *phantom.ABNORMALITIES}
    assert len({exposure.id for exposure in exposures}) == len(exposures)


def test_a_patient_has_one_body_part_and_one_split(exposures):
    seen: dict[str, set] = {}
    for exposure in exposures:
        seen.setdefault(exposure.patient, set()).add((exposure.part, exposure.split))
    assert len(seen) == 30 * 7 and all(len(found) == 1 for found in seen.values())
    assert sum(split == "test" for found in seen.values() for _, split in found) == 7 * 7


def test_a_mask_is_a_place_on_abnormal_images_and_empty_on_others(exposures):
    for exposure in exposures[::5]:
        image, mask = phantom.render(exposure, (64, 64))
        assert image.shape == mask.shape == (64, 64) and image.dtype == np.uint8
        assert bool(mask.any()) == (exposure.label == "abnormal") and (mask > 0).mean() < 0.5


@pytest.mark.parametrize("kind", phantom.ABNORMALITIES)
def test_an_abnormality_changes_the_image_only_near_its_mask(kind):
    exposure = next(e for e in phantom.exposures(40) if e.abnormality == kind and e.part == "forearm")
    sick, mask = phantom.render(exposure)
    well, _ = phantom.render(replace(exposure, abnormality=""))
    changed = np.abs(sick.astype(int) - well) > 3
    assert changed.any() and (mask[changed] > 0).mean() > (0.1 if kind == "displaced fracture" else 0.9)


def test_a_patients_images_do_not_depend_on_which_others_are_made():
    few, many = list(phantom.exposures(3, parts=("wrist",))), list(phantom.exposures(5))
    assert set(few) <= set(many)


def test_another_seed_draws_other_images():
    first, other = (next(phantom.exposures(1, seed)) for seed in (0, 1))
    assert not np.array_equal(phantom.render(first)[0], phantom.render(other)[0])


@pytest.mark.parametrize("size", [(8, 8), (16, 48)])
def test_any_size_can_be_drawn(exposures, size):
    assert phantom.render(exposures[0], size)[0].shape == size


def test_an_unknown_body_part_or_abnormality_is_refused(exposures):
    with pytest.raises(RequestError, match="no body part 'knee'; known: elbow"):
        next(phantom.exposures(1, parts=("knee",)))
    with pytest.raises(RequestError, match="no abnormality 'cyst'; known: displaced fracture"):
        phantom.render(replace(exposures[0], abnormality="cyst"))


def test_a_phantom_is_written_in_muras_layout(tmp_path):
    number = phantom.write_mura(tmp_path, patients=4, size=(16, 12))
    written = sorted((tmp_path / "MURA-v1.1").rglob("*.png"))
    assert len(written) == number == len(list(phantom.exposures(4)))
    first = written[0].relative_to(tmp_path / "MURA-v1.1").parts
    assert (
        first[0] == "train" and first[1] == "XR_ELBOW" and first[2].startswith("patient") and first[4] == "image1.png"
    )
    assert first[3] in ("study1_positive", "study1_negative") and Image.open(written[0]).size == (12, 16)
