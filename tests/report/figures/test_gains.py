"""The heat map of chains and targets."""

from dataclasses import replace

from report.figures import differences, intervals, style
from report.figures.gains import draw
from report.gains import gains
from tests.report.figures.made import material, words
from tests.report.test_gains import rows, two_targets


def drawn(**changes):
    given = two_targets()
    return list(draw(replace(material([]), given=given, gains=gains(rows(**changes), given))))


def test_a_figure_for_each_beginning_with_the_greatest_mean_first():
    drawings = drawn()
    assert sorted(drawing.name.split("-")[1] for drawing in drawings) == ["imagenet", "random"]
    of_imagenet = next(drawing for drawing in drawings if drawing.title.endswith("over imagenet"))
    axis = of_imagenet.figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["t", "u", "mean"]
    assert "+0.050" in {text.split("\n")[0] for text in words(of_imagenet.figure)}


def test_what_excludes_zero_is_bold_and_a_missing_cell_is_empty():
    given = two_targets()
    found = gains(rows(spread=0.001), given)
    found = found[~((found["chain"] == "b") & (found["target"] == "u"))]
    for drawing in draw(replace(material([]), given=given, gains=found)):
        cells = [text for text in drawing.figure.axes[0].texts]
        assert len(cells) == 2 * 3 + 3 - 1 and not any("nan" in text.get_text() for text in cells)
        is_bold = {text.get_text().split("\n")[0] for text in cells if text.get_weight() == "bold"}
        assert (
            "+0.000" not in is_bold
            and is_bold >= {"over random": {"+0.250"}, "over imagenet": {"−0.100"}}[drawing.title.split(": gain ")[1]]
        )


def test_without_a_matrix_there_is_no_figure():
    assert not list(draw(material([])))


def test_chains_that_colours_cannot_tell_apart_have_this_figure_only():
    given = two_targets()
    many = replace(given, chains=[*given.chains, *(f"c{number}" for number in range(len(style.COLOURS)))])
    made = replace(material(rows()), given=many, gains=gains(rows(), given))
    assert not list(differences.draw(made)) and not list(intervals.draw(made)) and len(list(draw(made))) == 2
    assert list(intervals.draw(replace(made, given=given)))
