import pytest

from indomain.data.manifest import load_manifest
from indomain.recipe import beginning
from indomain.recipe.beginning import Beginning, exposure


@pytest.mark.parametrize(
    ("trained_on", "expected"),
    [
        (("imagenet",), "not among those named"),
        (("isic-archive", "imagenet"), "yes: isic-archive"),
        (("isic2017_64",), "yes: isic2017_64"),
        (("ISIC Archive",), "yes: ISIC Archive"),
        (("unknown",), "unknown"),
        (("imagenet", "unknown"), "unknown"),
        (("isic2017", "unknown"), "yes: isic2017"),
        ((), "no: trained on nothing"),
    ],
)
def test_a_target_was_seen_if_it_or_its_archive_is_named(trained_on, expected):
    manifest, _ = load_manifest("isic2017_64")
    assert exposure(Beginning("sha256:0", trained_on=trained_on), [manifest]) == expected


def test_imagenet_has_seen_what_comes_from_imagenet():
    manifest, _ = load_manifest("imagenette_64")
    assert exposure(beginning.imagenet(), [manifest]) == "yes: imagenet"
    assert exposure(beginning.random(), [manifest]) == "no: trained on nothing"


def test_the_report_names_a_file_by_its_content():
    assert Beginning("sha256:abc", title="mine").to_params()["file"] == "sha256:abc"
    assert beginning.imagenet().to_params()["file"] == ""
