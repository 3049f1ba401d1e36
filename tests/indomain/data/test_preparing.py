"""Preparing a set: decoded once, whole or not at all, known by its pixels."""

import os

import numpy as np
import pytest
from PIL import Image

from indomain import progress
from indomain.data import preparing
from indomain.data.dataset import open_dataset
from indomain.data.images import hashing
from indomain.data.manifest import Manifest
from indomain.data.pool import Pool
from indomain.data.preparing import find, list_records, prepare
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image, manifest_of, save
from tests.indomain.data.test_duplicates import pairs

FOLDERS = {"reader": "folder", "root": "x"}
SIZE = (16, 16)


@pytest.fixture
def data(tmp_path):
    """A data folder with two images of two classes."""
    save(tmp_path / "data/x/a/1.png", image(1))
    save(tmp_path / "data/x/b/2.png", image(2))
    return tmp_path / "data"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_find_decodes_nothing(data, cache):
    for path in data.glob("x/*/*.png"):
        path.write_bytes(b"no image")
    assert find(manifest_of(FOLDERS), data, cache, SIZE) is None and not cache.exists()
    with pytest.raises(RequestError, match="none of the 2 files could be read; the first: .*a/1.png: not an image"):
        prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)


def test_find_gives_what_was_prepared_and_looks_at_no_image(data, cache):
    made = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    path = data / "x/a/1.png"
    state = path.stat()
    path.write_bytes(b"?" * state.st_size)  # of the same length and time of change
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert find(manifest_of(FOLDERS), data, cache, SIZE) == made


def test_listing_records_decodes_nothing(data, cache):
    (data / "x/a/1.png").write_bytes(b"no image")
    records = list_records(manifest_of(FOLDERS), data, SIZE)
    assert [record.id for record in records] == ["a/1.png", "b/2.png"] and not cache.exists()


def test_a_set_is_prepared_once(data, cache):
    first = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    state = (first.folder / "images.npy").stat()
    again = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert again == first and (first.folder / "images.npy").stat() == state


def test_a_set_is_known_by_its_pixels_not_by_its_place(data, cache):
    first = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    (data / "x").rename(data / "y")
    moved = prepare(manifest_of({**FOLDERS, "root": "y"}), data, cache, SIZE, quiet=True)
    assert moved.digest == first.digest and moved.folder != first.folder


@pytest.mark.parametrize(
    "change",
    [
        lambda data: save(data / "x/b/3.png", image(3)),
        lambda data: save(data / "x/b/2.png", image(3)),
        lambda data: (data / "x/b/2.png").rename(data / "x/a/2.png"),
    ],
)
def test_another_image_or_label_is_another_set(data, cache, change):
    first = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    change(data)
    assert find(manifest_of(FOLDERS), data, cache, SIZE) is None
    assert prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True).digest != first.digest


@pytest.mark.parametrize(
    "change", [{"images": {"fit": "crop"}}, {"images": {"channels": "rgb"}}, {"patches": {"size": 8}}]
)
def test_what_a_manifest_does_to_images_is_part_of_the_sets_name(data, cache, change):
    prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert find(manifest_of(FOLDERS, **change), data, cache, SIZE) is None
    assert find(manifest_of(FOLDERS), data, cache, (16, 8)) is None


@pytest.mark.parametrize("change", [{"title": "another"}, {"positive": "a"}, {"counts": {"all": {"all": {"a": 5}}}}])
def test_what_a_manifest_says_beside_needs_no_decoding(data, cache, change):
    made = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    labels = {"labels": {"classes": {"a": ["a"], "b": ["b"]}, **change}} if "positive" in change else change
    assert find(manifest_of(FOLDERS, **labels), data, cache, SIZE).folder == made.folder


def test_unreadable_files_are_left_out_and_listed_with_the_reason(data, cache):
    (data / "x/a/0.png").write_bytes(b"no image")
    (data / "x/a/2.png").write_bytes(b"")
    made = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert made.index()["id"].tolist() == ["a/1.png", "b/2.png"] and len(made.images()) == 2
    listed = made.unreadable()
    assert [name.rpartition("/")[2] for name in listed["file"]] == ["0.png", "2.png"]
    assert listed["reason"].tolist() == ["not an image in any known format", "the file is empty"]
    assert made.info["unreadable"] == 2


def test_one_unreadable_file_stops_where_the_manifest_is_strict(data, cache):
    (data / "x/a/0.png").write_bytes(b"no image")
    with pytest.raises(RequestError, match="a/0.png: not an image .*strict_files = true"):
        prepare(manifest_of(FOLDERS, strict_files=True), data, cache, SIZE, quiet=True)
    assert list(cache.iterdir()) == [], "nothing half made is left"


def test_of_two_processes_that_prepare_a_set_the_first_is_believed(data, cache, monkeypatch):
    build, first = preparing._build, []

    def overtaken(*given):
        monkeypatch.setattr(preparing, "_build", build)
        first.append(prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True))  # another process, meanwhile
        build(*given)

    monkeypatch.setattr(preparing, "_build", overtaken)
    made = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert made == first[0] and list(cache.iterdir()) == [made.folder]
    assert made.altered() == []


@pytest.mark.parametrize("name", ["images.npy", "index.csv", "unreadable.csv", "set.json"])
def test_a_damaged_set_is_quarantined_and_prepared_again(data, cache, capsys, name):
    folder = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "set.json"}
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] if name != "set.json" else b"{")
    assert find(manifest_of(FOLDERS), data, cache, SIZE) is None and not folder.exists()
    assert f"Quarantined as {folder.name}.damaged" in capsys.readouterr().err
    again = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir() if path.name != "set.json"} == before


def test_the_data_folder_is_only_read(data, cache):
    def state():
        return {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]}

    before = state()
    prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    assert state() == before


def test_images_stand_in_the_order_of_their_records_whatever_thread_was_first(tmp_path):
    made = class_folders(tmp_path / "data", "many", "abc", 30)
    assert made.index()["id"].tolist() == sorted(made.index()["id"], key=lambda name: (name[0], name))
    assert len(made.images()) == 90 and made.altered() == []


@pytest.mark.parametrize(("asked", "shape"), [("auto", (2, 16, 16, 3)), ("grey", (2, 16, 16)), ("rgb", (2, 16, 16, 3))])
def test_one_image_in_colour_makes_a_set_in_colour_unless_the_manifest_says(data, cache, asked, shape):
    save(data / "x/b/2.png", image(2, channels=3))
    made = prepare(manifest_of(FOLDERS, images={"channels": asked}), data, cache, SIZE, quiet=True)
    assert made.images().shape == shape and made.info["channels"] == (3 if len(shape) == 4 else 1)


def test_each_image_has_the_digest_of_its_pixels(data, cache):
    made = prepare(manifest_of(FOLDERS), data, cache, SIZE, quiet=True)
    for row, pixels in zip(made.index().itertuples(), made.images()):
        assert row.sha256 == hashing.pixel_sha256(pixels[..., None])


def test_masks_lie_beside_the_images_black_where_there_is_none(data, cache):
    mask = np.zeros((32, 32), np.uint8)
    mask[:16] = 255
    save(data / "masks/2.png", mask)
    read = {"reader": "folder", "root": ".", "pattern": "x/{label}/*", "masks": "masks/{stem}.png"}
    made = prepare(manifest_of(read), data, cache, SIZE, quiet=True)
    assert made.masks()[0].max() == 0 and (made.masks()[1][:8] == 255).all() and (made.masks()[1][8:] == 0).all()
    assert len(made.info["masks"]) == 64


def test_a_scaled_mask_is_black_or_white(data, cache):
    save(data / "masks/1.png", (image(5, (20, 20)) > 127) * np.uint8(255))
    read = {"reader": "folder", "root": ".", "pattern": "x/{label}/*", "masks": "masks/{stem}.png"}
    assert set(np.unique(prepare(manifest_of(read), data, cache, SIZE, quiet=True).masks())) == {0, 255}


def test_patches_are_images_of_the_set_and_name_the_image_that_they_were_cut_from(data, cache):
    made = prepare(manifest_of(FOLDERS, patches={"size": 16}), data, cache, SIZE, quiet=True)
    index = made.index()
    assert index["id"][:4].tolist() == ["a/1.png@0,0", "a/1.png@0,16", "a/1.png@16,0", "a/1.png@16,16"]
    assert index["source_image"].tolist() == ["a/1.png"] * 4 + ["b/2.png"] * 4 and set(index["label"][:4]) == {"a"}
    assert np.array_equal(made.images()[3], image(1)[16:, 16:])


def test_patches_are_cut_from_the_image_at_its_full_size(tmp_path, cache):
    # A JPEG may be decoded at a fraction of its size, but not before it is cut.
    save(tmp_path / "data/x/a/1.jpg", image(1, (512, 512)))
    made = prepare(manifest_of(FOLDERS, patches={"size": 256}), tmp_path / "data", cache, SIZE, quiet=True)
    assert len(made.images()) == 4


def test_a_large_jpeg_decoded_at_a_fraction_of_its_size_looks_the_same(tmp_path, cache):
    save(tmp_path / "data/x/a/1.jpg", image(1, (512, 512)))
    made = prepare(manifest_of(FOLDERS), tmp_path / "data", cache, SIZE, quiet=True)
    full = Image.open(tmp_path / "data/x/a/1.jpg").resize(SIZE, Image.Resampling.LANCZOS)
    assert np.abs(made.images()[0].astype(int) - np.asarray(full)).mean() < 2


def test_progress_counts_images_not_their_patches(data, cache, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PLAIN_EVERY", -1.0)
    prepare(manifest_of(FOLDERS, patches={"size": 16}), data, cache, SIZE)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(",")[0] for line in lines] == ["preparing given: 1 of 2", "preparing given: 2 of 2"]


def test_missing_data_are_named_with_the_way_to_get_them(tmp_path, cache):
    asked = manifest_of(FOLDERS, get="from the authors")
    with pytest.raises(RequestError, match=r"(?s)the folder is not there.*Get it: from the authors.*INDOMAIN_DATA"):
        prepare(asked, tmp_path, cache, SIZE, quiet=True)


def test_copies_are_found_whatever_is_done_to_the_contrast(tmp_path):
    """A picture, and the same in a wider frame: equalised piece by piece they differ, and the gate compares what was before."""
    framed = np.zeros((96, 64), np.uint8)
    framed[16:80] = image(1, (64, 64))
    images = {
        "a/one.png": image(1, (64, 64)),
        "b/two.png": framed,
        "a/3.png": image(3, (64, 64)),
        "b/4.png": image(4, (64, 64)),
    }
    found = {}
    for contrast in ("as it is", "n-clahe"):
        options = {"reader": "folder", "root": "framed"}
        prepared = given(tmp_path / contrast, images, options, "framed", (64, 64), images={"contrast": contrast})
        assert (prepared.folder / "untreated.npy").is_file() is (contrast == "n-clahe")
        found[contrast] = {ids[1:] for ids in pairs(open_dataset(Pool.of(prepared)))}
    assert found["n-clahe"] == found["as it is"] == {("a/one.png", "b/two.png")}


def test_all_frames_of_a_file_are_images_that_stay_together(tmp_path):
    folder = tmp_path / "loops/one"
    folder.mkdir(parents=True)
    pages = [Image.fromarray(np.full((20, 20), 40 * number, np.uint8)) for number in range(1, 4)]
    pages[0].save(folder / "loop.tif", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "still.tif")
    read = {"reader": "folder", "root": "loops"}
    prepared = {
        which: prepare(
            Manifest.model_validate({"name": "loops", "title": "Loops", "read": read, "images": {"frames": which}}),
            tmp_path, tmp_path / "cache", (20, 20), quiet=True,
        )
        for which in ("first", "middle", "all")
    }  # fmt: skip
    assert [int(image.mean()) for image in prepared["first"].images()] == [40, 40]
    assert [int(image.mean()) for image in prepared["middle"].images()] == [80, 40]
    index = prepared["all"].index()
    assert index["id"].tolist() == [f"one/loop.tif@frame{number}" for number in (1, 2, 3)] + ["one/still.tif"]
    assert index["source_image"].tolist() == ["one/loop.tif"] * 3 + [""]
