"""Paths and words that readers share."""

import pytest

from indomain.data.readers.paths import missing, path_in, split_of
from indomain.errors import RequestError
from tests.indomain.data.made import manifest_of

FOLDER = {"reader": "folder", "root": "x"}


@pytest.mark.parametrize("parts", [("x",), ("x", "../y"), (".",), ("x/deep", "..")])
def test_a_path_below_the_data_folder_is_given(tmp_path, parts):
    assert path_in(manifest_of(FOLDER), tmp_path, *parts) == tmp_path.joinpath(*parts)


@pytest.mark.parametrize("parts", [("..",), ("x", "../../y"), ("/etc",), ("x", "/etc/passwd")])
def test_a_path_outside_needs_the_manifests_word(tmp_path, parts):
    with pytest.raises(RequestError, match="is outside the data folder .* set outside = true"):
        path_in(manifest_of(FOLDER), tmp_path, *parts)
    assert path_in(manifest_of({**FOLDER, "outside": True}), tmp_path, *parts) == tmp_path.joinpath(*parts)


def test_a_folder_with_a_name_that_begins_alike_lies_outside(tmp_path):
    with pytest.raises(RequestError, match="outside"):
        path_in(manifest_of(FOLDER), tmp_path / "data", "../data-secret")


def test_links_in_the_data_folder_are_its_owners(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/link").symlink_to(tmp_path / "elsewhere")
    assert path_in(manifest_of(FOLDER), tmp_path / "data", "link") == tmp_path / "data/link"


@pytest.mark.parametrize(
    ("word", "split"),
    [("", ""), ("Training", "train"), ("VALID", "val"), ("dev", "val"), ("testing", "test"), ("exam", "test")],
)
def test_a_sets_words_for_splits_are_known_in_any_case(word, split):
    assert split_of(word, manifest_of(FOLDER, split_names={"Exam": "test"})) == split


def test_a_manifests_word_comes_first():
    assert split_of("valid", manifest_of(FOLDER, split_names={"valid": "test"})) == "test"


def test_an_unknown_split_says_how_to_name_it():
    with pytest.raises(RequestError, match="'exam' is not a known split. Add it to split_names"):
        split_of("exam", manifest_of(FOLDER))


def test_missing_data_say_where_to_get_them_and_where_to_put_them(tmp_path):
    error = str(missing(manifest_of(FOLDER, get="example.org"), tmp_path, "the folder is not there"))
    assert error.startswith(f"given: the folder is not there (looked for {tmp_path / 'x'}).")
    assert (
        "Get it: example.org" in error and f"Put it below {tmp_path}, or name another folder with --data-dir" in error
    )


def test_another_version_is_recognised(tmp_path):
    (tmp_path / "x-v1").mkdir()
    error = missing(manifest_of(FOLDER, other_versions={"x-v1": "half the images"}), tmp_path, "gone")
    assert f"Found {tmp_path / 'x-v1'}, which is another version: half the images." in str(error)
