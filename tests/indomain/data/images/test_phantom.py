import hashlib

import numpy as np

from indomain.data import audit
from indomain.data.dataset import open_dataset
from indomain.data.images import phantom, phantom_atlas
from indomain.data.manifest import load_manifest
from indomain.data.preparing import prepare

# The same bytes on every machine and with every version of NumPy: change these only together with phantom.VERSION.
KNOWN = "66407933b91e3ab1d63f99a114db1ef1"


def test_the_same_bytes_everywhere():
    content = hashlib.sha256()
    for exposure in list(phantom.exposures(3))[::2]:
        for part in phantom.render(exposure, (48, 40)):
            content.update(part.tobytes())
    assert content.hexdigest()[:32] == KNOWN


def test_labels_masks_and_splits_are_what_they_say():
    exposures = list(phantom.exposures(30))
    assert {exposure.part for exposure in exposures} == set(phantom_atlas.PARTS)
    assert {exposure.abnormality for exposure in exposures} == {"", *phantom.ABNORMALITIES}
    assert len({exposure.id for exposure in exposures}) == len(exposures)
    splits: dict[str, set] = {}
    for exposure in exposures:
        splits.setdefault(exposure.patient, set()).add(exposure.split)
        picture, mask = phantom.render(exposure, (64, 64))
        assert picture.shape == mask.shape == (64, 64) and picture.dtype == np.uint8
        assert bool(mask.any()) == (exposure.label == "abnormal")
        # An abnormality is a place, not the whole picture.
        assert (mask > 0).mean() < 0.5
    assert all(len(found) == 1 for found in splits.values())


def test_an_abnormality_changes_the_picture_only_near_its_mask():
    from dataclasses import replace

    for kind in phantom.ABNORMALITIES:
        exposure = next(e for e in phantom.exposures(40) if e.abnormality == kind and e.part == "forearm")
        sick, mask = phantom.render(exposure)
        well, _ = phantom.render(replace(exposure, abnormality=""))
        changed = np.abs(sick.astype(int) - well) > 3
        assert changed.any() and (mask[changed] > 0).mean() > (0.1 if kind == "displaced fracture" else 0.9)


def test_muras_own_manifest_reads_a_phantom_in_muras_layout(tmp_path):
    number = phantom.write_mura(tmp_path, patients=4, size=(40, 32))
    manifest, subset = load_manifest("mura/humerus")
    done = prepare(manifest, tmp_path, tmp_path / "cache", (32, 32), quiet=True)
    assert len(done.index()) == number
    dataset = open_dataset(done, subset)
    assert dataset.class_names == ("normal", "abnormal") and set(dataset.index["split"]) == {"train", "test"}
    others = open_dataset(done, "all-but-humerus")
    assert len(dataset) + len(others) == number and "humerus" not in set(others.index["part"])
    # Every patient's studies and views are found, and the counts differ from MURA's own.
    assert dataset.index["study"].str.startswith("study").all() and dataset.has_patients
    assert set(audit.findings(dataset, subset)["kind"]) >= {"count"}


def test_muras_counts_are_the_published_ones():
    manifest, _ = load_manifest("mura")
    whole = manifest.expected_counts()
    assert sum(whole["train"].values()) == 36808 and sum(whole["test"].values()) == 3197
    assert sum(manifest.expected_counts("all-but-humerus")["train"].values()) == 35536
    assert sum(manifest.expected_counts("all-but-wrist")["train"].values()) == 27056
