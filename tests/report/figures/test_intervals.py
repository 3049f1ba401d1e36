"""A dot and an interval for each chain."""

import numpy as np
import pytest

from report.figures.intervals import draw
from report.figures.style import colour_of
from tests.report.figures.made import material, row, words

ROWS = [row("imagenet", 0.8), row("other", 0.6), row("random", 0.5), row("random", 0.4, "f1")]


def lines(figure):
    """(colour, x values) of every line that is drawn."""
    axis = figure.axes[0]
    return [(line.get_color(), list(line.get_xdata())) for line in axis.lines if len(line.get_xdata())]


def test_each_chain_has_its_mean_and_its_interval():
    drawing = next(draw(material(ROWS)))
    drawn = lines(drawing.figure)
    colours = [colour_of(chain, ["imagenet", "other", "random"]) for chain in ("imagenet", "other", "random")]
    assert [colour for colour, x in drawn if len(x) == 1] == colours
    np.testing.assert_allclose([x for _, x in drawn if len(x) == 1], [[0.8], [0.6], [0.5]])
    np.testing.assert_allclose([x for _, x in drawn if len(x) == 2], [[0.7, 0.85], [0.5, 0.65], [0.4, 0.55]])


def test_it_is_named_after_its_target():
    drawing = next(draw(material(ROWS)))
    assert (drawing.name, drawing.title) == ("intervals-t", "t")
    assert {"t", "AUROC, mean and 95 % interval", "imagenet", "other", "random", "n, full"} <= words(drawing.figure)


def test_of_several_label_budgets_the_largest_is_shown():
    few = [row("imagenet", 0.3, budget="few"), row("other", 0.2, budget="few")]
    drawing = next(draw(material([*few, *ROWS], budgets={"t": [["few", 0.1], ["all labels", 1.0]]})))
    assert drawing.title == "t, all labels" and [0.3] not in [x for _, x in lines(drawing.figure)]


def test_only_the_first_level_is_shown():
    drawing = next(draw(material([*ROWS, row("imagenet", 0.9, level="study")])))
    assert [0.9] not in [x for _, x in lines(drawing.figure)]


@pytest.mark.parametrize("profiles", [1, 2])
def test_profiles_are_told_apart_where_there_are_several(profiles):
    rows = ROWS + [row("imagenet", 0.7, profile="paper")] * (profiles - 1)
    labels = words(next(draw(material(rows))).figure)
    assert ("n, full, paper" in labels) == (profiles == 2) and ("n, full" in labels) == (profiles == 1)
