import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.data import export
from indomain.data.manifest import load_manifest
from indomain.errors import RequestError
from tests.indomain.data.made import PATTERN, given, image, manifest_of

READ = {"reader": "folder", "root": "given", "pattern": PATTERN}
NAMES = {
    f"train/{label}/p{number}_a.png": image(number, (20 + number, 30))
    for number, label in enumerate(["ill", "well"] * 3)
}


@pytest.fixture
def prepared(tmp_path):
    return given(tmp_path / "data", NAMES)


def exported(folder):
    index = pd.read_csv(folder / "images.csv", dtype=str)
    return index, [np.asarray(Image.open(folder / name)) for name in index["file"]]


def test_images_are_written_as_they_are_in_the_order_of_the_set(prepared, tmp_path):
    assert export.write(prepared.manifest, "", tmp_path / "data", None, tmp_path / "out", quiet=True) == 6
    index, images = exported(tmp_path / "out")
    assert set(index["set"]) == {"given"}
    assert list(index["id"]) == list(prepared.index()["id"]) and list(index.columns) == ["file", "set", "id", "sha256"]
    assert sorted(found.tobytes() for found in images) == sorted(pixels.tobytes() for pixels in NAMES.values())


def test_at_the_size_of_a_recipe_they_are_its_images(prepared, tmp_path):
    export.write(prepared.manifest, "", tmp_path / "data", (32, 32), tmp_path / "out", quiet=True)
    index, images = exported(tmp_path / "out")
    assert np.array_equal(np.stack(images), prepared.images())
    assert list(index["sha256"]) == list(prepared.index()["sha256"])


def test_labels_stay_behind(prepared, tmp_path):
    export.write(prepared.manifest, "", tmp_path / "data", None, tmp_path / "out", quiet=True)
    assert not any("well" in path.name for path in (tmp_path / "out").rglob("*.png"))
    assert "label" not in (tmp_path / "out/images.csv").read_text()


def test_a_subset_has_its_images_only(tmp_path):
    names = {f"{part}/{number}.png": image(number) for part in ("hand", "knee") for number in range(3)}
    given(tmp_path / "data", names, {"reader": "folder", "root": "given", "pattern": "{body_part}/{view}"})
    read = {"reader": "folder", "root": "given", "pattern": "{body_part}/{view}"}
    manifest = manifest_of(read, subset_by="body_part")
    assert export.write(manifest, "hand", tmp_path / "data", None, tmp_path / "out", quiet=True) == 3
    index, images = exported(tmp_path / "out")
    assert len(images) == len(list((tmp_path / "out/images").iterdir())) == 3
    with pytest.raises(RequestError, match="unknown subset 'foot'"):
        export.write(manifest, "foot", tmp_path / "data", None, tmp_path / "other", quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name or "export" in path.name) == ["out"]


def test_patches_are_images_of_their_own(tmp_path):
    given(tmp_path / "data", {"train/ill/p_a.png": image(0, (64, 64)), "train/well/q_a.png": image(1, (64, 64))})
    manifest = manifest_of(READ, patches={"size": 32})
    assert export.write(manifest, "", tmp_path / "data", None, tmp_path / "out", quiet=True) == 8
    assert {found.shape for found in exported(tmp_path / "out")[1]} == {(32, 32)}


def test_what_cannot_be_read_is_listed(prepared, tmp_path):
    (tmp_path / "data/given/train/ill/p9_a.png").write_bytes(b"no image")
    assert export.write(prepared.manifest, "", tmp_path / "data", None, tmp_path / "out", quiet=True) == 6
    assert len(pd.read_csv(tmp_path / "out/unreadable.csv")) == 1


def test_nothing_is_overwritten(prepared, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(RequestError, match="exists already"):
        export.write(prepared.manifest, "", tmp_path / "data", None, tmp_path / "out", quiet=True)


def test_a_set_that_is_drawn_needs_a_size(tmp_path):
    manifest, _ = load_manifest("phantom")
    with pytest.raises(RequestError, match="state one, such as --size 64"):
        export.write(manifest, "", tmp_path, None, tmp_path / "out", quiet=True)
