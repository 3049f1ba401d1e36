"""The differences from the reference chain."""

from report.figures.differences import draw
from tests.report.figures.made import material, row, words
from tests.report.made import comparison

ROWS = [
    row("imagenet"),
    row("other", comparison=comparison(0.2, 0.001)),
    row("random", comparison=comparison(-0.2, 0.001, family="other levels")),
    row("random", metric="f1", comparison=comparison(0.3)),
]


def points(figure):
    """(x, marker, whether it is filled) of every difference that is drawn."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    return [(line.get_xdata()[0], line.get_marker(), line.get_markerfacecolor() != "white") for line in lines]


def test_a_verdict_is_a_shape_and_a_finding_is_filled():
    drawing = next(draw(material(ROWS)))
    assert points(drawing.figure) == [(0.2, ">", True), (-0.2, "<", False)]


def test_what_cannot_be_told_apart_is_open():
    drawing = next(draw(material([row("other", comparison=comparison(0.05, 0.4))])))
    assert points(drawing.figure) == [(0.05, "o", False)]


def test_the_first_metric_is_named_as_papers_do_and_so_are_reference_and_margin():
    text = " ".join(words(next(draw(material(ROWS))).figure))
    assert "AUROC minus that of imagenet" in text and "margin of 0.02" in text


def test_without_a_comparison_there_is_no_figure():
    assert not list(draw(material([row("imagenet")])))


def test_a_control_is_named_and_the_best_row_of_imagenet_has_a_short_name():
    controls = [row("other", comparison=comparison(0.1, chain="source-only"))]
    assert "minus that of source-only" in " ".join(words(next(draw(material(controls))).figure))
    best = [row("other", comparison=comparison(0.1, chain="imagenet, squeezenet, full"))]
    assert "minus that of the best ImageNet row" in " ".join(words(next(draw(material(best))).figure))
