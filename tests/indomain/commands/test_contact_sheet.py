import pytest
from PIL import Image


@pytest.fixture
def show(indomain, small_manifest, cache_dir):
    """Runs `data show` on the small phantom with an augmentation."""
    command = ["data", "show", "small.toml:wrist", "--size", "32", "--cache-dir", cache_dir]
    return lambda augmentation: indomain(*command, "--augment", augmentation)


def test_a_contact_sheet_can_be_looked_at(show, here):
    status, _, err = show("elastic")
    assert status == 0, err
    with Image.open(here / "augment-small-wrist-elastic.png") as sheet:
        assert sheet.size == (8 * 36 + 12, 8 * 36 + 4) and sheet.mode == "L"


def test_a_contact_sheet_is_the_same_every_time(show, here):
    path = here / "augment-small-wrist-elastic.png"
    show("elastic")
    first = path.read_bytes()
    path.unlink()
    show("elastic")
    assert path.read_bytes() == first


def test_an_augmentation_that_does_not_fit_or_exist_is_refused(show):
    assert show("colour")[0] == 2
    status, _, err = show("elastc")
    assert status == 2 and "elastic" in err
