"""Manifests: shipped ones, a user's own, and what they expect."""

import pytest
from pydantic import ValidationError

from indomain.data.manifest import load_manifest, manifest_names
from indomain.errors import RequestError
from tests.indomain.data.made import manifest_of

OWN = 'name = "own"\ntitle = "Own"\nsubset_by = "body_part"\n[read]\nreader = "folder"\n'


@pytest.mark.parametrize("name", manifest_names())
def test_every_shipped_manifest_is_valid_and_names_its_source(name):
    manifest, subset = load_manifest(name)
    assert manifest.name == name and manifest.title and manifest.citation and subset == ""


PUBLISHED = {
    "isic2016": 1279, "isic2017": 2000, "isic2018": 10015, "isic2019": 25331, "isic2020": 33126, "ham10000": 10015,
    "ph2": 200, "mednode": 170, "breakhis": 7909, "bach": 400, "bach_patches": 400, "dfu_kaggle": 1055,
    "dfuc_folders": 5955, "mura": 40005,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_of_a_shipped_manifest_add_up_to_the_published_total(name):
    manifest, _ = load_manifest(name)
    counts = manifest.expected_counts()
    assert sum(sum(classes.values()) for classes in counts.values()) == PUBLISHED[name]
    assert manifest.licence and manifest.get


@pytest.mark.parametrize(
    ("reference", "subset"),
    [("own.toml", ""), ("own.toml:knee", "knee"), ("own.toml:all-but-knee+hip", "all-but-knee+hip")],
)
def test_a_subset_follows_a_path_after_a_colon(here, reference, subset):
    (here / "own.toml").write_text(OWN)
    assert load_manifest(reference)[1] == subset


def test_a_subset_follows_a_shipped_name_after_a_slash():
    assert load_manifest("mura/humerus")[1] == "humerus"


def test_a_path_is_looked_for_beside_the_recipe_first(here):
    (here / "recipes").mkdir()
    (here / "recipes/own.toml").write_text(OWN.replace("Own", "Beside"))
    (here / "own.toml").write_text(OWN)
    assert load_manifest("own.toml", here / "recipes")[0].title == "Beside"
    (here / "recipes/own.toml").unlink()
    assert load_manifest("own.toml", here / "recipes")[0].title == "Own"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("muras", "unknown data set 'muras'. Did you mean 'mura'"),
        ("gone.toml", "no manifest gone.toml. `indomain data new FOLDER`"),
        ("plain.toml:knee", "'plain.toml:knee' asks for a subset, but the manifest names no subset_by"),
        ("broken.toml", r"broken.toml: unknown key 'read\..*roots'. Did you mean 'read\..*root'"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(here, reference, message):
    (here / "plain.toml").write_text(OWN.replace('subset_by = "body_part"\n', ""))
    (here / "broken.toml").write_text(OWN + 'roots = "x"\n')
    with pytest.raises(RequestError, match=message):
        load_manifest(reference)


COUNTS = {
    "knee": {"test": {"a": 1, "b": 2}},
    "hip": {"test": {"a": 10}, "train": {"b": 20}},
    "hand": {"test": {"a": 100}},
}


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        ("knee", {"test": {"a": 1, "b": 2}}),
        ("knee+hip", {"test": {"a": 11, "b": 2}, "train": {"b": 20}}),
        ("all-but-knee", {"test": {"a": 110}, "train": {"b": 20}}),
        ("all-but-knee+hip", {"test": {"a": 100}}),
        ("", {"test": {"a": 111, "b": 2}, "train": {"b": 20}}),
        ("foot", {}),
    ],
)
def test_expected_counts_are_summed_over_the_parts_named(subset, expected):
    assert manifest_of({"reader": "folder"}, counts=COUNTS).expected_counts(subset) == expected


def test_counts_of_the_whole_are_used_where_they_are_given():
    counts = {**COUNTS, "all": {"test": {"a": 7}}}
    asked = manifest_of({"reader": "folder"}, counts=counts)
    assert asked.expected_counts() == {"test": {"a": 7}}
    assert asked.expected_counts("all-but-knee+hip") == {"test": {"a": 100}}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"subset_by": "age"}, "subset_by must be one of label, patient"),
        ({"patches": {"size": 4}}, "greater than or equal to 8"),
        ({"patches": {"size": 16, "blank": 0}}, "greater than 0"),
        ({"images": {"fit": "squeeze"}}, "'pad', 'crop' or 'stretch'"),
        ({"labels": {"classes": {"a": ["x"], "b": ["x"]}}}, "label 'x' is in two classes"),
        ({"read": {"reader": "zip"}}, "'zip'"),
        ({"name": "../x"}, "string_pattern_mismatch"),
    ],
)
def test_a_wrong_value_is_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        manifest_of(**{"read": {"reader": "folder"}, **more})


def test_a_phantom_is_not_cut():
    with pytest.raises(ValidationError, match="drawn at the size asked for"):
        manifest_of({"reader": "phantom"}, patches={"size": 16})
