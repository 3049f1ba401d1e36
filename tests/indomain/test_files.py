"""What is written appears whole or not at all, and equal content has an equal name."""

import os
from pathlib import Path

import numpy as np
import pytest

from indomain import files
from indomain.errors import RequestError


def test_what_is_written_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), files.written(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert files.read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_folders_above_are_made_and_any_name_can_be_written(tmp_path):
    path = tmp_path / "läufe/実行" / f"{'x' * 200}.txt"
    files.write_text(path, "ü")
    assert path.read_text(encoding="utf-8") == "ü"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_files_are_as_readable_as_any_other(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        files.write_text(tmp_path / "x", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_arrays_come_back(tmp_path):
    given = {"a": np.arange(3), "b": np.ones((2, 2), np.float32)}
    files.write_arrays(tmp_path / "x.npz", given)
    with np.load(tmp_path / "x.npz") as found:
        assert set(found) == {"a", "b"} and all(np.array_equal(found[name], given[name]) for name in given)


def test_a_digest_does_not_see_the_order_of_keys_but_that_of_lists():
    assert files.digest_of({"a": 1, "b": [1, 2]}) == files.digest_of({"b": [1, 2], "a": 1})
    assert files.digest_of([1, 2]) != files.digest_of([2, 1])
    assert len(files.digest_of("ü")) == 16 and int(files.digest_of("ü"), 16) >= 0


def test_a_digest_tells_whole_numbers_from_fractions_and_refuses_what_is_no_number():
    assert files.digest_of(1) != files.digest_of(1.0)
    with pytest.raises(ValueError):
        files.digest_of(float("nan"))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A finished folder: two files and a record of them."""
    made = tmp_path / "made"
    files.write_text(made / "a.csv", "first")
    files.write_text(made / "b.npy", "second")
    files.write_json(made / "DONE", {"seconds": 1, "files": files.contents(made, without_digest=("b.npy",))})
    return made


def errors(folder: Path, **how) -> list[str]:
    return list(files.integrity_errors(folder, files.read_json(folder / "DONE")["files"], **how))


def test_contents_are_lengths_and_digests_of_files_not_of_folders(tmp_path):
    files.write_text(tmp_path / "a", "first")
    (tmp_path / "tensorboard").mkdir()
    assert files.contents(tmp_path) == {"a": [5, files.file_sha256(tmp_path / "a")]}
    assert files.contents(tmp_path, without_digest=("a",)) == {"a": [5, None]}


def test_an_untouched_folder_has_no_errors(folder):
    assert errors(folder) == []


def test_a_missing_a_shorter_and_a_changed_file_are_told_apart(folder):
    (folder / "b.npy").write_text("sec")
    (folder / "a.csv").write_text("fIrst")
    assert errors(folder) == ["a.csv has changed since it was written: its SHA-256 differs", "b.npy has 3 of 6 bytes"]
    (folder / "a.csv").unlink()
    assert errors(folder)[0] == "a.csv is missing"


def test_lengths_alone_are_quick_and_see_no_change_of_content(folder):
    (folder / "a.csv").write_text("fIrst")
    assert errors(folder, lengths_only=True) == []
    (folder / "a.csv").write_text("first, and more")
    assert errors(folder, lengths_only=True) == ["a.csv has 15 of 5 bytes"]


def test_a_file_without_a_digest_is_known_by_its_length(folder):
    (folder / "b.npy").write_text("SECOND")
    assert errors(folder) == []


def test_quarantined_folders_are_kept_side_by_side(folder):
    names = []
    for _ in range(3):
        names.append(files.quarantine(folder).name)
        folder.mkdir()
    assert names == ["made.damaged", "made.damaged-2", "made.damaged-3"]
    assert (folder.with_name("made.damaged") / "a.csv").read_text() == "first"


def test_a_record_is_read_where_its_files_are_what_it_says(folder):
    assert files.read_record(folder, "DONE")["seconds"] == 1


def test_a_folder_without_a_record_is_unfinished_and_left_alone(folder):
    (folder / "DONE").unlink()
    assert files.read_record(folder, "DONE") is None and folder.is_dir()


@pytest.mark.parametrize(("name", "content"), [("a.csv", "fIrst"), ("DONE", '{"files":'), ("DONE", "\x00")])
def test_a_damaged_folder_is_quarantined_and_the_fault_said(folder, capsys, name, content):
    (folder / name).write_text(content)
    assert files.read_record(folder, "DONE") is None
    assert not folder.exists() and folder.with_name("made.damaged").is_dir()
    said = capsys.readouterr().err
    assert said.startswith(f"made: {name} ") and "Quarantined as made.damaged; it will be rebuilt." in said


def test_a_finished_folder_may_be_looked_at_by_lengths_only(folder):
    (folder / "a.csv").write_text("fIrst")
    assert files.read_record(folder, "DONE", lengths_only=True)["seconds"] == 1


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 half a file"])
def test_a_broken_archive_raises_what_is_expected_of_one(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(files.UNREADABLE):
        np.load(tmp_path / "x.npz")


@pytest.mark.parametrize(("folder", "name"), [("recipes", "quickstart.toml"), ("data_manifests", "mura.toml")])
def test_shipped_files_are_found(folder, name):
    assert (files.shipped(folder) / name).is_file()


def test_a_file_in_the_way_of_the_runs_folder_is_said_with_the_way_out(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(
        RequestError, match=r"runs/work cannot be created \(.*\); choose another runs folder with --runs-dir"
    ):
        files.make_folder(tmp_path / "runs/work")
    files.make_folder(tmp_path / "others/work")
    assert (tmp_path / "others/work").is_dir()


def test_a_file_is_flushed_without_being_changed(tmp_path):
    (tmp_path / "x").write_text("x")
    files.flush(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "x"


def test_a_folder_is_written_completely_or_not_at_all(tmp_path):
    with pytest.raises(ValueError), files.written_folder(tmp_path / "new" / "folder") as building:
        (building / "half.txt").write_text("half")
        raise ValueError
    assert list((tmp_path / "new").iterdir()) == []
    with files.written_folder(tmp_path / "new" / "folder") as building:
        (building / "whole.txt").write_text("whole")
    assert [path.name for path in (tmp_path / "new").rglob("*.txt")] == ["whole.txt"]
    with pytest.raises(RequestError, match="exists already"), files.written_folder(tmp_path / "new" / "folder"):
        pass
