"""The card says what the model is, how good, learnt from what, and where it ends."""

import copy

from indomain.artifacts import exported
from indomain.models import card


def test_every_part_is_filled_from_the_run(network):
    text = (network / exported.CARD).read_text()
    for words in (
        "library_name: keras", "license: cc-by-4.0", "# net", "Classes: normal, abnormal; positive: abnormal", "32 × 32, grey",
        "one of 2 trainings of the same row", "## How good", "| auroc |", "small/all-but-wrist", "**Learnt from synthetic images",
        "--calibrated", "indomain predict net", 'model:net',
    ):  # fmt: skip
        assert words in text, words


def test_what_is_not_known_is_said(network):
    content = copy.deepcopy(exported.read(network).content)
    content |= {"metrics": [], "temperature": None, "licence": 'mine, "all" rights'}
    content["data"]["target"] |= {"patients": None, "synthetic": False, "stand_in": True}
    text = card.render(content)
    assert "Not measured: the recipe had no table" in text and "patients are not known" in text
    assert "were no validation images to calibrate them on" in text and "reduced copy" in text
    assert 'license: other\nlicense_name: "mine, \\"all\\" rights"' in text and "synthetic images" not in text
