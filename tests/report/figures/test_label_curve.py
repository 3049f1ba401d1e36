"""The metric over the label budgets."""

import numpy as np

from report.figures.label_curve import draw
from tests.report.figures.made import material, row, words

BUDGETS = {"t": [["10 %", 0.1], ["all labels", 1.0]]}
ROWS = [row(chain, mean, budget=budget) for chain, mean, budget in [
    ("imagenet", 0.8, "all labels"), ("imagenet", 0.7, "10 %"), ("other", 0.6, "all labels"), ("other", 0.5, "10 %"),
]]  # fmt: skip


def test_each_chain_is_a_line_over_the_budgets_in_their_order():
    drawing = next(draw(material(ROWS, budgets=BUDGETS)))
    axis = drawing.figure.axes[0]
    drawn = [line for line in axis.lines if len(line.get_xdata())]
    np.testing.assert_allclose([line.get_ydata() for line in drawn], [[0.7, 0.8], [0.5, 0.6]])
    np.testing.assert_allclose([line.get_xdata() for line in drawn], [[0.1, 1.0]] * 2, rtol=0.05)


def test_chains_stand_slightly_apart():
    drawing = next(draw(material(ROWS, budgets=BUDGETS)))
    first, second = [line.get_xdata()[0] for line in drawing.figure.axes[0].lines if len(line.get_xdata())]
    assert first < 0.1 < second


def test_shares_are_said_in_per_cent():
    drawing = next(draw(material(ROWS, budgets=BUDGETS)))
    assert drawing.name == "labels-t"
    assert {"10 %", "100 %", "share of the training labels", "imagenet", "other"} <= words(drawing.figure)


def test_numbers_of_labels_are_said_as_such():
    rows = [row("imagenet", 0.7, budget="5 shots"), row("imagenet", 0.8, budget="20 shots")]
    drawing = next(draw(material(rows, budgets={"t": [["5 shots", 5.0], ["20 shots", 20.0]]})))
    assert {"5", "20", "training labels for each class"} <= words(drawing.figure)


def test_each_backbone_and_method_has_a_panel():
    rows = [*ROWS, *(row("imagenet", 0.4, budget=budget, backbone="m") for budget in ("10 %", "all labels"))]
    figure = next(draw(material(rows, budgets=BUDGETS))).figure
    assert [axis.get_title(loc="left") for axis in figure.axes if axis.get_visible()] == ["n, full", "m, full"]


def test_one_budget_is_no_curve():
    assert list(draw(material(ROWS[:1]))) == []


def test_without_a_number_there_is_no_curve():
    assert list(draw(material([row("imagenet", float("nan"))], budgets=BUDGETS))) == []
